package mapping_test

import (
	"slices"
	"testing"

	"github.com/councilid/councilid/mapping"
)

// every is all vectors that there are: 5 × 4 × 2 × 4.
func every() []mapping.Assurance {
	var all []mapping.Assurance
	for p := mapping.P0; p <= mapping.P4; p++ {
		for c := mapping.C0; c <= mapping.Ch; c++ {
			for f := mapping.F0; f <= mapping.F1; f++ {
				for r := mapping.R0; r <= mapping.R3; r++ {
					all = append(all, mapping.Assurance{Identity: p, Authenticator: c, Phishing: f, Residency: r})
				}
			}
		}
	}
	return all
}

// persons is all that can be known of the person alone.
func persons() []mapping.Assurance {
	return slices.DeleteFunc(every(), func(a mapping.Assurance) bool { return a != a.Person() })
}

// above is what is one step more than a in one component: whatever is monotone
// over these steps is monotone.
func above(a mapping.Assurance) []mapping.Assurance {
	var steps []mapping.Assurance
	for _, b := range every() {
		d := int(b.Identity-a.Identity) + int(b.Authenticator-a.Authenticator) + int(b.Phishing-a.Phishing) + int(b.Residency-a.Residency)
		if d == 1 && b.AtLeast(a) {
			steps = append(steps, b)
		}
	}
	return steps
}

// TestLattice holds the vectors to the laws of a distributive lattice, every two
// and every three of them.
func TestLattice(t *testing.T) {
	all := every()
	if len(all) != 160 {
		t.Fatalf("%d vectors", len(all))
	}
	for _, a := range all {
		if a.Join(a) != a || a.Meet(a) != a || !a.AtLeast(a) || !a.AtLeast(mapping.Assurance{}) {
			t.Fatalf("%s is not itself", a)
		}
		for _, b := range all {
			join, meet := a.Join(b), a.Meet(b)
			if join != b.Join(a) || meet != b.Meet(a) {
				t.Fatalf("%s and %s: the order matters", a, b)
			}
			if a.Join(meet) != a || a.Meet(join) != a {
				t.Fatalf("%s and %s are not absorbed", a, b)
			}
			for _, c := range all {
				if join.Join(c) != a.Join(b.Join(c)) || meet.Meet(c) != a.Meet(b.Meet(c)) {
					t.Fatalf("%s, %s and %s: who meets first matters", a, b, c)
				}
				if a.Meet(b.Join(c)) != meet.Join(a.Meet(c)) {
					t.Fatalf("%s, %s and %s are not distributive", a, b, c)
				}
			}
		}
	}
}

// TestAtLeast: it is the partial order of the lattice, component by component.
func TestAtLeast(t *testing.T) {
	all := every()
	for _, a := range all {
		for _, b := range all {
			got := a.AtLeast(b)
			if got != (a.Join(b) == a) || got != (a.Meet(b) == b) {
				t.Fatalf("%s ≥ %s is %t, which join or meet deny", a, b, got)
			}
			want := a.Identity >= b.Identity && a.Authenticator >= b.Authenticator && a.Phishing >= b.Phishing && a.Residency >= b.Residency
			if got != want {
				t.Fatalf("%s ≥ %s is %t, its components say %t", a, b, got, want)
			}
			if got && b.AtLeast(a) && a != b {
				t.Fatalf("%s and %s are each at least the other", a, b)
			}
			if (a.Compare(b) == 0) != (a == b) || a.Compare(b) != -b.Compare(a) {
				t.Fatalf("%s and %s compare as %d", a, b, a.Compare(b))
			}
			for _, c := range all {
				if got && b.AtLeast(c) && !a.AtLeast(c) {
					t.Fatalf("%s ≥ %s ≥ %s, and not the first the last", a, b, c)
				}
			}
		}
	}
}

// TestVectorsAsText: what is printed is read as itself.
func TestVectorsAsText(t *testing.T) {
	for _, a := range every() {
		if got, err := mapping.ParseAssurance(a.String()); err != nil || got != a {
			t.Errorf("%s is read as %s, %v", a, got, err)
		}
		text, err := a.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		got := mapping.Assurance{Identity: mapping.P4, Phishing: mapping.F1} // of which nothing stays
		if err := got.UnmarshalText(text); err != nil || got != a {
			t.Errorf("%s is unmarshalled as %s, %v", a, got, err)
		}
	}
}

func TestParseAssurance(t *testing.T) {
	for text, want := range map[string]string{
		"P2":             "P2.C0.F0.R0",
		"Cl":             "P0.Cl.F0.R0",
		"P2.Cl.Cm":       "P2.Cm.F0.R0", // of one that is there twice both must hold
		"Cm.Cl.P2":       "P2.Cm.F0.R0",
		"P1.P3":          "P3.C0.F0.R0",
		"R3.F1.Ch.P4":    "P4.Ch.F1.R3",
		"P0.C0.F0.R0":    "P0.C0.F0.R0",
		"P2.P2.P2.P2.P2": "P2.C0.F0.R0",
	} {
		if got, err := mapping.ParseAssurance(text); err != nil || got.String() != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"", ".", "P", "P5", "P-1", "P2.", ".P2", "P2..Cm", "p2", "C1", "CL", "F2", "R4", "R", "X1", "P2 Cm", " P2", "P2\n", "P2,Cm", "Ma", "P22", "\u01502",
	} {
		if got, err := mapping.ParseAssurance(text); err == nil || got != (mapping.Assurance{}) {
			t.Errorf("%q: %s, %v; want an error", text, got, err)
		}
	}
}

// eachEffective calls check with everything that Effective can be given. Of own,
// person and inherit only the person's part counts, as TestEffectiveOfThePerson
// shows.
func eachEffective(check func(proved, own, person, inherit, e mapping.Assurance)) {
	all := persons()
	for _, proved := range every() {
		for _, own := range all {
			for _, person := range all {
				for _, inherit := range all {
					check(proved, own, person, inherit, mapping.Effective(proved, own, person, inherit))
				}
			}
		}
	}
}

// TestEffective holds it to the rules of who may be how sure, over all 1,280,000
// that it can be given.
func TestEffective(t *testing.T) {
	none := mapping.Assurance{}
	eachEffective(func(proved, own, person, inherit, e mapping.Assurance) {
		given := [...]mapping.Assurance{proved, own, person, inherit}
		if !proved.Join(own).Join(person.Meet(inherit)).AtLeast(e) {
			t.Fatalf("%v: %s is more than was proved, owned or inherited", given, e)
		}
		if e.Authenticator != proved.Authenticator || e.Phishing != proved.Phishing {
			t.Fatalf("%v: %s is protected otherwise than the sign-in", given, e)
		}
		// The strength gate dominates: whatever else is known.
		if e.Authenticator < mapping.Cm && e.Person() != none {
			t.Fatalf("%v: %s rides on a weak sign-in", given, e)
		}
		if e.Authenticator >= mapping.Cm && !e.AtLeast(proved.Join(own).Join(person.Meet(inherit))) {
			t.Fatalf("%v: %s is less than is due", given, e)
		}
		// Who was linked with nothing inherits nothing.
		if inherit == none && !proved.Join(own).AtLeast(e) {
			t.Fatalf("%v: %s was inherited by a weak link", given, e)
		}
	})
}

// TestEffectiveIsMonotone: to prove more, or to have more on record, never makes a
// session worth less.
func TestEffectiveIsMonotone(t *testing.T) {
	steps := map[mapping.Assurance][]mapping.Assurance{}
	for _, a := range every() {
		steps[a] = above(a)
	}
	eachEffective(func(proved, own, person, inherit, e mapping.Assurance) {
		for i, of := range [...]mapping.Assurance{proved, own, person, inherit} {
			for _, more := range steps[of] {
				given := [...]mapping.Assurance{proved, own, person, inherit}
				given[i] = more
				if got := mapping.Effective(given[0], given[1], given[2], given[3]); !got.AtLeast(e) {
					t.Fatalf("%s before, and of %v only %s", e, given, got)
				}
			}
		}
	})
}

// TestEffectiveOfThePerson: how somebody signed in before, or by another way, says
// nothing of this sign-in.
func TestEffectiveOfThePerson(t *testing.T) {
	none := mapping.Assurance{}
	for _, proved := range every() {
		for _, a := range every() {
			for i, got := range [...]mapping.Assurance{
				mapping.Effective(proved, a, none, none), mapping.Effective(proved, none, a, a),
			} {
				p := a.Person()
				want := [...]mapping.Assurance{mapping.Effective(proved, p, none, none), mapping.Effective(proved, none, p, p)}[i]
				if got != want {
					t.Fatalf("%s proved and %s on record: %s, want %s", proved, a, got, want)
				}
			}
		}
	}
}
