package config

import (
	"cmp"
	"slices"
	"strings"

	"github.com/councilid/councilid/mapping"
)

// Reach is the most that a sign-in by the connector can prove: what its steps
// reach, what the provider's words can mean, and what it is believed.
func (c Connector) Reach() mapping.Assurance {
	most := c.Cap.Vector().Meet(c.Levels.most())
	if len(c.Ask) == 0 {
		return most
	}
	var steps mapping.Assurance
	for _, ask := range c.Ask {
		steps = steps.Join(ask.Reaches.Vector())
	}
	return most.Meet(steps)
}

// Cap is the most that the connector called id is believed now. One that is
// disabled is not believed at all, nor is one that there is not.
func (c *Config) Cap(id string) mapping.Assurance {
	i := slices.IndexFunc(c.Connectors, func(c Connector) bool { return c.ID == id && !c.Disabled })
	if i < 0 {
		return mapping.Assurance{}
	}
	return c.Connectors[i].Cap.Vector()
}

// attainable checks that some connector can prove as much as the app needs.
func (r report) attainable(a *App, connectors []Connector) {
	flawed := func(p Problem) bool { return !p.Warning && !strings.HasPrefix(p.File, "apps/") }
	if slices.ContainsFunc(*r.problems, flawed) {
		return // what a connector reaches is known when its own mistakes are mended
	}
	open := slices.DeleteFunc(slices.Clone(connectors), func(c Connector) bool { return !a.opens(c) })
	if len(open) == 0 {
		return // there is no way in, which is said already
	}
	need := a.Assurance.Vector()
	lacks := func(c Connector) int { return missing(need, worth(c, connectors)) }
	nearest := slices.MinFunc(open, func(a, b Connector) int { return cmp.Compare(lacks(a), lacks(b)) })
	if lacks(nearest) > 0 {
		r.wrong("assurance", "needs %s, which no connector reaches that residents may use; %s comes nearest, with %s: %s",
			words(need), nearest.ID, words(worth(nearest, connectors)), shortfall(nearest, need))
		return
	}
	for _, c := range open {
		if i := slices.Index(a.Connectors, c.ID); i >= 0 && lacks(c) > 0 {
			r.add(indexed("connectors", i), Problem{
				Warning: true, Message: c.ID + " is never offered: assurance needs " + words(need) + ", and " + shortfall(c, need),
			})
		}
	}
}

// worth is the most that a session is worth which the connector opens. The
// council's own way in leads to an account, which another may have proved.
func worth(c Connector, all []Connector) mapping.Assurance {
	var person mapping.Assurance
	for _, other := range all {
		if c.Council != nil && !other.Disabled {
			person = person.Join(other.Reach().Person())
		}
	}
	return mapping.Effective(c.Reach(), person, mapping.Assurance{}, mapping.Assurance{})
}

// missing counts the levels that has is below need.
func missing(need, has mapping.Assurance) int {
	has = has.Meet(need)
	return int(need.Identity-has.Identity) + int(need.Authenticator-has.Authenticator) +
		int(need.Phishing-has.Phishing) + int(need.Residency-has.Residency)
}

// shortfall says why a connector does not reach what is needed.
func shortfall(c Connector, need mapping.Assurance) string {
	if c.Council != nil { // identity and residency are others' to prove
		need.Identity, need.Residency = 0, 0
	}
	switch capped := c.Cap.Vector(); {
	case c.Council != nil && !c.Council.most().AtLeast(need):
		return c.Council.lacks()
	case !capped.AtLeast(need):
		return "its cap is " + words(capped)
	case !c.Levels.most().AtLeast(need):
		return "its levels come to no more"
	case !c.Reach().AtLeast(need):
		return "none of its steps asks for more"
	case c.Council != nil:
		return "no other connector proves who people are"
	}
	return "below authenticator Cm neither identity nor residency counts"
}
