package mapping_test

import (
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/mapping"
)

// seeded is randomness that a failure can be repeated with.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

func pick[T any](random *rand.Rand, from ...T) T { return from[random.IntN(len(from))] }

// words are what providers say, the least sure first. Anything may be said of
// anything.
var words = []string{"none", "low", "substantial", "high", "P2", "Cl.Cm", ""}

// arbitrary is a value that JSON may hold.
func arbitrary(random *rand.Rand, depth int) any {
	switch random.IntN(8 + depth) {
	case 0:
		return nil
	case 1:
		return random.Float64()
	case 2:
		return random.IntN(2) == 0
	case 3:
		return map[string]any{pick(random, words...): pick(random, words...)}
	case 4, 5, 6, 7:
		return pick(random, words...)
	}
	list := make([]any, random.IntN(4))
	for i := range list {
		list[i] = arbitrary(random, depth-1)
	}
	return list
}

// documents are what a provider may sign.
var documents = []string{"id_token", "userinfo", "core", "assertion"}

func arbitraryDocuments(random *rand.Rand) mapping.Signed {
	said := mapping.Signed{}
	for _, name := range documents {
		if random.IntN(3) > 0 {
			said[name] = mapping.Claims{"vot": arbitrary(random, 2), "amr": arbitrary(random, 3), "sub": "s"}
		}
	}
	return said
}

// arbitraryLevels are rules as an operator may write them.
func arbitraryLevels(t *testing.T, random *rand.Rand) mapping.RuleSource {
	t.Helper()
	src := mapping.RuleSource{Levels: map[string]mapping.Level{}, Cap: pick(random, every()...)}
	for component, letters := range map[string][]string{
		"identity": {"P0", "P1", "P2", "P3", "P4"}, "authenticator": {"C0", "Cl", "Cm", "Ch"}, "phishing": {"F0", "F1"}, "residency": {"R0", "R1", "R2", "R3"},
	} {
		switch random.IntN(4) {
		case 0:
			continue
		case 1:
			src.Levels[component] = mapping.Level{Always: pick(random, letters...)}
			continue
		}
		table := map[string]string{"low": letters[0]}
		for _, word := range words[:len(words)-1] {
			if random.IntN(2) == 0 {
				table[word] = pick(random, letters...)
			}
		}
		src.Levels[component] = mapping.Level{
			From:  pick(random, "id_token", "userinfo", "core", "context"),
			Value: pick(random, "claims.vot", "claims.amr", "claims.vot.split('.')", "claims.?amr.orValue(['high'])", "has(claims.vot) ? claims.vot : 'high'", "claims.absent"),
			Map:   table,
		}
	}
	return src
}

// TestAssessIsBounded: whatever an operator wrote and whatever a provider signed,
// nobody is believed beyond the cap, nor beyond what the table has; and to sign
// less never proves more.
func TestAssessIsBounded(t *testing.T) {
	random := seeded(t)
	for range 300 {
		src := arbitraryLevels(t, random)
		r := rules(t, src)
		if !src.Cap.AtLeast(r.Reach()) {
			t.Fatalf("%+v reaches %s", src, r.Reach())
		}
		for range 30 {
			said := arbitraryDocuments(random)
			got := r.Assess(said)
			if !r.Reach().AtLeast(got) {
				t.Fatalf("%+v of %v: %s is beyond %s", src, said, got, r.Reach())
			}
			fewer := maps.Clone(said)
			delete(fewer, pick(random, documents...))
			if less := r.Assess(fewer); !got.AtLeast(less) {
				t.Fatalf("%+v: %v prove %s, and %v prove %s", src, said, got, fewer, less)
			}
		}
	}
}

// TestAssessIsMonotone: where stronger words have higher levels, to say more, or
// something stronger, never proves less. Every list of the words is tried.
func TestAssessIsMonotone(t *testing.T) {
	r := rules(t, mapping.RuleSource{
		Levels: map[string]mapping.Level{
			"identity":      {From: "core", Value: "claims.level", Map: map[string]string{"low": "P1", "substantial": "P2", "high": "P3"}},
			"authenticator": {From: "core", Value: "claims.level", Map: map[string]string{"none": "C0", "low": "Cl", "substantial": "Cm", "high": "Cm"}},
		},
		Cap: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Ch},
	})
	assess := func(level any) mapping.Assurance {
		return r.Assess(mapping.Signed{"core": {"level": level}})
	}
	words := []string{"nothing known", "none", "low", "substantial", "high"}
	for i, word := range words[1:] {
		if got, weaker := assess(word), assess(words[i]); !got.AtLeast(weaker) {
			t.Errorf("%s is %s, and %s only %s", words[i], weaker, word, got)
		}
	}
	for set := range 1 << len(words) {
		list, most := []any{}, mapping.Assurance{}
		for i, word := range words {
			if set>>i&1 == 1 {
				list, most = append(list, word), most.Join(assess(word))
			}
		}
		if got := assess(list); got != most {
			t.Errorf("%v: %s, want %s, which is what its words come to", list, got, most)
		}
	}
}

// Two that sign in at once share the rules.
func TestAssessConcurrently(t *testing.T) {
	r := rules(t, mapping.RuleSource{
		Levels: map[string]mapping.Level{"identity": {From: "core", Value: "claims.vot", Map: map[string]string{"P2": "P2"}}},
		Cap:    mapping.Assurance{Identity: mapping.P4},
	})
	var g sync.WaitGroup
	for range 8 {
		g.Go(func() {
			for range 100 {
				if got := r.Assess(mapping.Signed{"core": {"vot": "P2"}}); got.Identity != mapping.P2 {
					t.Errorf("got %s", got)
				}
			}
		})
	}
	g.Wait()
}

// Without levels nothing is known, whatever the cap.
func TestAssessWithoutLevels(t *testing.T) {
	r := rules(t, mapping.RuleSource{Cap: mapping.Assurance{Identity: mapping.P4, Authenticator: mapping.Ch}})
	if got := r.Assess(mapping.Signed{"id_token": {"vot": "P2"}}); got != (mapping.Assurance{}) || r.Reach() != got {
		t.Errorf("got %s, reach %s", got, r.Reach())
	}
}
