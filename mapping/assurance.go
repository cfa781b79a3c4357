package mapping

import (
	"cmp"
	"fmt"
	"strings"
)

// Identity is how sure it is who somebody is, by the levels of confidence of
// GPG 45. It belongs to the person: whoever was proved once stays proved until
// the proof expires.
type Identity int8

// The levels of confidence in an identity, ascending.
const (
	P0 Identity = iota // none
	P1                 // low
	P2                 // medium
	P3                 // high
	P4                 // very high
)

// Authenticator is how well a sign-in is protected, by the levels of GPG 44. It
// belongs to the sign-in.
type Authenticator int8

// The levels of protection of a sign-in, ascending.
const (
	C0 Authenticator = iota // nothing is known
	Cl                      // low: one factor
	Cm                      // medium: two factors
	Ch                      // high: two factors, one of them a key that cannot be copied
)

// Phishing is whether a sign-in can be phished. It belongs to the sign-in.
type Phishing int8

// A sign-in is resistant to phishing where a key that is bound to the address
// of the page was used.
const (
	F0 Phishing = iota
	F1
)

// Residency is how sure it is where somebody lives, which GPG 45 does not grade
// and councils need most. It belongs to the person.
type Residency int8

// The levels of confidence in an address, ascending.
const (
	R0 Residency = iota // stated
	R1                  // matched to a property (UPRN)
	R2                  // possession was shown, or an authority's record
	R3                  // both, or seen in person
)

// Assurance is how sure the broker is of somebody: a vector with four
// components that are never added up (Vectors of Trust, RFC 8485 §2). Each is a
// chain, so that vectors are a lattice: one is at least another where each
// component is. The zero Assurance is the least.
type Assurance struct {
	Identity      Identity
	Authenticator Authenticator
	Phishing      Phishing
	Residency     Residency
}

// AtLeast reports whether a is b or more in every component.
func (a Assurance) AtLeast(b Assurance) bool { return a.Meet(b) == b }

// Join is the least that is at least a and at least b.
func (a Assurance) Join(b Assurance) Assurance {
	return Assurance{
		Identity: max(a.Identity, b.Identity), Authenticator: max(a.Authenticator, b.Authenticator),
		Phishing: max(a.Phishing, b.Phishing), Residency: max(a.Residency, b.Residency),
	}
}

// Meet is the most that both a and b are at least.
func (a Assurance) Meet(b Assurance) Assurance {
	return Assurance{
		Identity: min(a.Identity, b.Identity), Authenticator: min(a.Authenticator, b.Authenticator),
		Phishing: min(a.Phishing, b.Phishing), Residency: min(a.Residency, b.Residency),
	}
}

// Person is the part of a that belongs to the person and outlives the sign-in.
func (a Assurance) Person() Assurance {
	return Assurance{Identity: a.Identity, Residency: a.Residency}
}

// Effective is the assurance of a session (who is sure of what, now):
//
//   - proved is what the sign-in itself proved, capped;
//   - own is what the same way in proved before and is still valid;
//   - person is what any way in to the account proved and is still valid;
//   - inherit is what the session was worth in which this way in was linked to
//     the account. It bounds what the way in may borrow from the others, so that
//     a weak one which is added to a proved person does not become strong.
//
// Identity and residency ride on a strong sign-in: below Cm there is neither.
func Effective(proved, own, person, inherit Assurance) Assurance {
	e := proved.Join(own.Person()).Join(person.Meet(inherit).Person())
	if e.Authenticator < Cm {
		e.Identity, e.Residency = P0, R0
	}
	return e
}

// String is the vector in RFC 8485's form, every component once: P2.Cm.F0.R1.
func (a Assurance) String() string {
	return fmt.Sprintf("P%d.C%c.F%d.R%d", a.Identity, authenticators[a.Authenticator], a.Phishing, a.Residency)
}

// authenticators are the letters of the levels C0 to Ch.
const authenticators = "0lmh"

// ParseAssurance reads a vector of any of the components, in any order, as P2,
// Cl.Cm.P2 or P2.Cm.F1.R1. Components that are not there are the least; of one
// that is there several times all must hold (RFC 8485 §3.1), so that the
// highest counts.
func ParseAssurance(vector string) (Assurance, error) {
	var a Assurance
	for component := range strings.SplitSeq(vector, ".") {
		c, ok := parseComponent(component)
		if !ok {
			return Assurance{}, fmt.Errorf("%q is no component of assurance: P0 to P4, C0, Cl, Cm, Ch, F0, F1, R0 to R3", component)
		}
		a = a.Join(c)
	}
	return a, nil
}

func parseComponent(text string) (a Assurance, ok bool) {
	if len(text) != 2 {
		return a, false
	}
	level := int8(strings.IndexByte("01234", text[1]))
	switch text[0] {
	case 'P':
		a.Identity, ok = Identity(level), level >= 0
	case 'C':
		level = int8(strings.IndexByte(authenticators, text[1]))
		a.Authenticator, ok = Authenticator(level), level >= 0
	case 'F':
		a.Phishing, ok = Phishing(level), level >= 0 && level <= int8(F1)
	case 'R':
		a.Residency, ok = Residency(level), level >= 0 && level <= int8(R3)
	}
	return a, ok
}

// MarshalText implements encoding.TextMarshaler.
func (a Assurance) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (a *Assurance) UnmarshalText(text []byte) (err error) {
	*a, err = ParseAssurance(string(text))
	return err
}

// Compare orders vectors for sorting, by the components in turn. It says
// nothing of which is worth more.
func (a Assurance) Compare(b Assurance) int {
	return cmp.Or(
		cmp.Compare(a.Identity, b.Identity), cmp.Compare(a.Authenticator, b.Authenticator),
		cmp.Compare(a.Phishing, b.Phishing), cmp.Compare(a.Residency, b.Residency),
	)
}
