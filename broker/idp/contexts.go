package idp

import (
	"slices"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
)

// unspecifiedContext says nothing of how somebody authenticated.
const unspecifiedContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"

// highest is the most that this version asserts of any sign-in.
var highest = config.Assurance{Identity: "P0", Authenticator: "Cl"}

// assurance is how sure the broker is of who signed in.
func assurance(login.Session) config.Assurance { return highest }

// contexts are the authentication context classes that an app may be told,
// weakest first. A class's place is its strength.
type contexts []config.AppContext

// choose picks the class that a sign-in of this assurance is told by: the
// strongest that it fulfils and that suits what was asked for (Core §3.3.2.2.1).
// ok is false where there is none. Nothing asked for is suited by anything.
func (c contexts) choose(asked []string, comparison string, has config.Assurance) (class string, ok bool) {
	if len(asked) > 0 && comparison == "exact" {
		return c.exact(asked, has)
	}
	suits := c.suitable(asked, comparison)
	for place, context := range slices.Backward(c) {
		if fulfils(has, context) && suits(place) {
			return context.Class, true
		}
	}
	if len(asked) > 0 {
		return "", false
	}
	return unspecifiedContext, true
}

// exact picks the first of those asked for that is fulfilled: they are in order
// of preference.
func (c contexts) exact(asked []string, has config.Assurance) (string, bool) {
	for _, class := range asked {
		if i := c.place(class); i >= 0 && fulfils(has, c[i]) {
			return class, true
		}
	}
	return "", false
}

// suitable says which places suit a request that compares. A class that is not
// the app's has no place, so nothing is comparable with it: it can be ignored
// where one of several will do, and spoils better, which must beat them all.
func (c contexts) suitable(asked []string, comparison string) func(place int) bool {
	var places []int
	for _, class := range asked {
		if i := c.place(class); i >= 0 {
			places = append(places, i)
		}
	}
	switch {
	case len(asked) == 0:
		return func(int) bool { return true }
	case len(places) == 0, comparison == "better" && len(places) < len(asked):
		return func(int) bool { return false }
	case comparison == "minimum":
		return func(place int) bool { return place >= slices.Min(places) }
	case comparison == "maximum":
		return func(place int) bool { return place <= slices.Max(places) }
	}
	return func(place int) bool { return place > slices.Max(places) } // better
}

// place is where a class stands, or -1.
func (c contexts) place(class string) int {
	return slices.IndexFunc(c, func(context config.AppContext) bool { return context.Class == class })
}

// fulfils reports whether a sign-in is at least what the class means. Identity
// levels are in the order of their letters.
func fulfils(has config.Assurance, c config.AppContext) bool {
	return has.Identity >= c.Identity && authenticator(has.Authenticator) >= authenticator(c.Authenticator)
}

// authenticator is the strength of an authenticator level.
func authenticator(level string) int { return slices.Index([]string{"", "Cl", "Cm", "Ch"}, level) }
