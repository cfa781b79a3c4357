package idp

import (
	"slices"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// unspecifiedContext says nothing of how somebody authenticated.
const unspecifiedContext = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"

// contexts are the authentication context classes that an app may be told,
// weakest first.
type contexts []config.AppContext

// choose picks the class that a session is told by which is worth so much: the
// strongest that it fulfils and that suits what was asked for (Core §3.3.2.2.1).
// ok is false where there is none. Nothing asked for is suited by anything, but
// then what a class says of the person is left out, unless the app needs to
// know: how well somebody is known is said to those who ask.
func (c contexts) choose(asked []string, comparison string, need, has mapping.Assurance) (class string, ok bool) {
	if len(asked) == 0 {
		return c.strongest(need, has), true
	}
	places := c.places(asked, comparison)
	if comparison != "exact" {
		slices.Reverse(places)
	}
	for _, i := range places {
		if has.AtLeast(c[i].Vector()) {
			return c[i].Class, true
		}
	}
	return "", false
}

// strongest is the last class that is fulfilled and says no more of the person
// than the app needs.
func (c contexts) strongest(need, has mapping.Assurance) string {
	for _, context := range slices.Backward(c) {
		if level := context.Vector(); has.AtLeast(level) && need.AtLeast(level.Person()) {
			return context.Class
		}
	}
	return unspecifiedContext
}

// wanted are the levels of the classes that suit what was asked for, in order of
// preference; nil where none does.
func (c contexts) wanted(asked []string, comparison string) []mapping.Assurance {
	var levels []mapping.Assurance
	for _, i := range c.places(asked, comparison) {
		levels = append(levels, c[i].Vector())
	}
	return levels
}

// places are where the classes stand that suit what was asked for: for an exact
// request in its own order, which is one of preference, else weakest first.
func (c contexts) places(asked []string, comparison string) []int {
	var places []int
	if comparison == "exact" {
		for _, class := range asked {
			if i := c.place(class); i >= 0 {
				places = append(places, i)
			}
		}
		return places
	}
	suits := c.suitable(asked, comparison)
	for i, context := range c {
		if suits(context.Vector()) {
			places = append(places, i)
		}
	}
	return places
}

// suitable says which levels suit a request that compares. What a class means
// decides, not where it stands: of two levels neither need be the stronger, and
// then they are not comparable. Nothing is comparable with a class that is not the
// app's either: it can be ignored where one of several will do, and spoils
// better, which must beat them all.
func (c contexts) suitable(asked []string, comparison string) func(mapping.Assurance) bool {
	var levels []mapping.Assurance
	for _, class := range asked {
		if i := c.place(class); i >= 0 {
			levels = append(levels, c[i].Vector())
		}
	}
	one := func(of func(mapping.Assurance) bool) bool { return slices.ContainsFunc(levels, of) }
	switch comparison {
	case "minimum":
		return func(l mapping.Assurance) bool { return one(l.AtLeast) }
	case "maximum":
		return func(l mapping.Assurance) bool {
			return one(func(asked mapping.Assurance) bool { return asked.AtLeast(l) })
		}
	}
	comparable := len(levels) > 0 && len(levels) == len(asked)
	return func(l mapping.Assurance) bool { // better
		return comparable && !one(func(asked mapping.Assurance) bool { return l == asked || !l.AtLeast(asked) })
	}
}

// place is where a class stands, or -1.
func (c contexts) place(class string) int {
	return slices.IndexFunc(c, func(context config.AppContext) bool { return context.Class == class })
}
