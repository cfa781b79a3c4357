package mapping_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/mapping"
)

var noon = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

func vector(t *testing.T, text string) mapping.Assurance {
	t.Helper()
	a, err := mapping.ParseAssurance(text)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// source is somebody who says things in these tests.
type source struct {
	name, link string
	proved     string
	verified   bool
	said       time.Time
}

func (s source) words(t *testing.T, claims mapping.Claims) []mapping.Word {
	var words []mapping.Word
	for name, value := range claims {
		proved := vector(t, s.proved)
		words = append(words, mapping.Word{
			Claim: name, Value: value, Verified: s.verified, Source: s.name, Link: s.link, Said: s.said, Proved: proved, Guard: proved,
		})
	}
	return words
}

var (
	google   = source{"google", "g", "P0", false, noon.Add(-time.Hour)}
	facebook = source{"facebook", "f", "P0", false, noon.Add(-2 * time.Hour)}
	proof    = source{"one-login", "p", "P2.R1", true, noon.AddDate(0, -6, 0)}
	myself   = source{mapping.Resident, "", "P0", false, noon.Add(-time.Minute)}
)

// TestWeigh has two sources say something different of one facet.
func TestWeigh(t *testing.T) {
	confirmed := myself
	confirmed.verified = true
	for name, test := range map[string]struct {
		precedence mapping.Precedence
		worth      string
		a, b       source
		of         string
		wins       string
		loses      mapping.Verdict
	}{
		"proved more":               {nil, "P2.Cm.R1", google, proof, "name", "one-login", mapping.Unproved},
		"proved more, elsewhere":    {nil, "P2.Cm.R1", google, proof, "nickname", "google", mapping.Vouched},
		"withheld from a weak one":  {nil, "P0.Cm", google, proof, "name", "google", mapping.Withheld},
		"later":                     {nil, "Cl", google, facebook, "name", "google", mapping.Newer},
		"the resident's own name":   {nil, "Cl", facebook, myself, "name", "facebook", mapping.Own},
		"the resident's own number": {nil, "Cl", facebook, myself, "phone_number", "resident", mapping.Own},
		"a confirmed address":       {nil, "Cl", google, confirmed, "email", "resident", mapping.Vouched},
		"the operator's list":       {prefer("name", "facebook"), "Cl", google, facebook, "name", "facebook", mapping.Listed},
		"the list cannot open":      {prefer("name", "one-login"), "P0.Cm", google, proof, "name", "google", mapping.Withheld},
		"the list cannot prove":     {prefer("name", "google"), "P2.Cm.R1", google, proof, "name", "one-login", mapping.Unproved},
		"stale": {
			mapping.Precedence{"name": {Sources: []string{"facebook"}, Fresh: 90 * time.Minute}},
			"Cl", google, facebook, "name", "google", mapping.Stale,
		},
		"an address by residency": {nil, "P2.Cm.R1", verified(google), proof, "address", "one-login", mapping.Surer},
	} {
		t.Run(name, func(t *testing.T) {
			claims := func(s source) mapping.Claims { return mapping.Claims{test.of: s.name} }
			if test.of == "nickname" { // what nobody vouches for
				test.b.verified, test.loses = false, mapping.Newer
			}
			words := append(test.a.words(t, claims(test.a)), test.b.words(t, claims(test.b))...)
			findings := test.precedence.Weigh(words, mapping.Sitting{Link: "another", Worth: vector(t, test.worth), Now: noon})
			if len(findings) != 2 {
				t.Fatalf("%d findings", len(findings))
			}
			got := []any{findings[0].Source, findings[0].Verdict, findings[1].Verdict}
			if diff := cmp.Diff([]any{test.wins, mapping.Wins, test.loses}, got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
			if diff := cmp.Diff(mapping.Claims{test.of: test.wins}, mapping.Told(findings).Claims); diff != "" {
				t.Errorf("told -want +got\n%s", diff)
			}
		})
	}
}

func verified(s source) source { s.verified = true; return s }

func prefer(facet string, sources ...string) mapping.Precedence {
	return mapping.Precedence{facet: {Sources: sources}}
}

// TestWeighReturning is somebody who comes back to the provider that proved who
// they are, and that says no more of it when they only sign in.
func TestWeighReturning(t *testing.T) {
	stored := proof.words(t, mapping.Claims{"name": "Jo Smith", "birthdate": "1984-03-09", "email": "old@example.org", "phone_number": "1"})
	said := source{"one-login", "p", "P2.R1", true, noon}.words(t, mapping.Claims{"email": "new@example.org"})
	for worth, want := range map[string]mapping.Claims{
		"P2.Cm.R1": {"name": "Jo Smith", "birthdate": "1984-03-09", "email": "new@example.org"},
		"P0.Cm":    {"name": "Jo Smith", "birthdate": "1984-03-09", "email": "new@example.org"}, // what it proved has expired
		"P0.Cl":    {"email": "new@example.org"},
	} {
		told := mapping.Told(mapping.Precedence(nil).Weigh(stored, mapping.Sitting{Link: "p", Said: said, Worth: vector(t, worth), Now: noon}))
		if diff := cmp.Diff(want, told.Claims); diff != "" {
			t.Errorf("%s: -want +got\n%s", worth, diff)
		}
	}
}

// What the council alone knows the meaning of is told only when it was just said.
func TestWeighOwnClaims(t *testing.T) {
	work := source{"works", "w", "P0", true, noon.Add(-time.Hour)}
	groups := work.words(t, mapping.Claims{"groups": []any{"planning-officers"}})
	s := mapping.Sitting{Link: "w", Worth: vector(t, "Cm"), Now: noon}
	if told := mapping.Told(mapping.Precedence(nil).Weigh(groups, s)); len(told.Claims) > 0 {
		t.Errorf("of an earlier sign-in: %v", told.Claims)
	}
	s.Said = groups
	if told := mapping.Told(mapping.Precedence(nil).Weigh(nil, s)); len(told.Claims) != 1 {
		t.Errorf("said just now: %v", told.Claims)
	}
}

// TestWeighLaws holds what must hold whoever says what, and whatever the operator
// prefers.
func TestWeighLaws(t *testing.T) {
	random := seeded(t)
	claims := append(mapping.StandardClaims(), "council_tax_band")
	for range 3000 {
		var stored []mapping.Word
		for i := range random.IntN(4) {
			link := fmt.Sprint("l", i)
			proved, ever := arbitraryVector(random).Person(), arbitraryVector(random).Person()
			for range random.IntN(8) {
				w := mapping.Word{
					Claim: pick(random, claims...), Value: link, Verified: random.IntN(2) == 0, Source: link, Link: link,
					Said: noon.Add(-time.Duration(random.IntN(1000)) * time.Hour), Proved: proved, Guard: ever.Join(proved),
				}
				if !slices.ContainsFunc(stored, func(o mapping.Word) bool { return o.Link == link && o.Claim == w.Claim }) {
					stored = append(stored, w)
				}
			}
		}
		s := mapping.Sitting{Link: "l0", Worth: arbitraryVector(random), Now: noon}
		p := mapping.Precedence{pick(random, claims...): {Sources: []string{"l2", "l1"}, Fresh: 500 * time.Hour}}
		findings := p.Weigh(stored, s)
		obey(t, findings, stored, s)

		random.Shuffle(len(stored), func(i, j int) { stored[i], stored[j] = stored[j], stored[i] })
		if diff := cmp.Diff(mapping.Told(findings), mapping.Told(p.Weigh(stored, s))); diff != "" {
			t.Fatalf("in another order:\n%s", diff)
		}
	}
}

func arbitraryVector(random *rand.Rand) mapping.Assurance {
	return mapping.Assurance{
		Identity: mapping.Identity(random.IntN(4)), Authenticator: mapping.Authenticator(random.IntN(4)), Residency: mapping.Residency(random.IntN(3)),
	}
}

// obey checks the two laws, and that what hangs together comes from one source.
func obey(t *testing.T, findings []mapping.Finding, stored []mapping.Word, s mapping.Sitting) {
	t.Helper()
	source := map[string]any{}
	for claim, value := range mapping.Told(findings).Claims {
		i := slices.IndexFunc(stored, func(w mapping.Word) bool { return w.Claim == claim && w.Link == value })
		if i < 0 || claim == "council_tax_band" {
			t.Fatalf("%s: nobody said %v", claim, value)
		}
		w := stored[i]
		if !s.Worth.AtLeast(w.Guard) && (w.Link != s.Link || s.Worth.Authenticator < mapping.Cm) {
			t.Fatalf("%s, said where %s was proved, is told in a session worth %s", claim, w.Guard, s.Worth)
		}
		facet := mapping.FacetOf(claim)
		identity := slices.Contains([]string{"name", "birthdate", "gender", "address"}, facet)
		if identity && s.Worth.Identity > w.Proved.Identity && !w.Verified {
			t.Fatalf("%s, which nobody proved, is told in a session worth %s", claim, s.Worth)
		}
		if other, ok := source[facet]; ok && other != value {
			t.Fatalf("%s is told of two sources", facet)
		}
		source[facet] = value
	}
}

// TestWeighOneTime: of a name what a provider said last is told, without what it has
// left out since.
func TestWeighOneTime(t *testing.T) {
	before, since := proof, proof
	since.said = noon.AddDate(0, -1, 0)
	stored := before.words(t, mapping.Claims{"family_name": "Smith", "given_name": "Jo", "birthdate": "1984-03-09"})
	stored = append(stored, since.words(t, mapping.Claims{"name": "Jo Bloggs"})...)
	want := mapping.Claims{"name": "Jo Bloggs", "birthdate": "1984-03-09"}
	for range 2 {
		told := mapping.Told(mapping.Precedence(nil).Weigh(stored, mapping.Sitting{Link: "g", Worth: vector(t, "P2.Cm.R1"), Now: noon}))
		if diff := cmp.Diff(want, told.Claims); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		slices.Reverse(stored)
	}
}
