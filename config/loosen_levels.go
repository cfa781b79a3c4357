package config

import (
	"cmp"
	"maps"
	"slices"
)

// looseLevels finds what makes a provider's word count for more assurance than
// the preset says. Of two ways of reading a level nobody knows which is the
// stricter: any other way counts as looser, unless it never comes to more than
// everybody comes to by the preset.
func looseLevels(base, c *Connector) []loosening {
	var all findings
	was, is := base.Cap.Vector(), c.Cap.Vector()
	const why = "the provider is believed to prove more"
	all.note(is.Identity > was.Identity, "cap.identity", why)
	all.note(is.Authenticator > was.Authenticator, "cap.authenticator", why)
	all.note(is.Phishing > was.Phishing, "cap.phishing", why)
	all.note(is.Residency > was.Residency, "cap.residency", why)
	known := maps.Collect(base.Levels.all())
	for component, level := range c.Levels.all() {
		looseLevel(&all, join("levels", component), *cmp.Or(known[component], &Level{Always: "P0"}), *level)
	}
	return append(all, looseSteps(base, c)...)
}

func looseLevel(all *findings, path string, was, is Level) {
	same := is.Always == was.Always && is.From == was.From && is.Value == was.Value && maps.Equal(is.Map, was.Map)
	all.note(!same && !was.least().AtLeast(is.most()), path, "the provider's words come to another level")
	all.note(same && is.Fresh > was.Fresh, path+".fresh", "what the provider proved counts for longer")
}

// looseSteps finds steps that are said to reach more.
func looseSteps(base, c *Connector) []loosening {
	var all findings
	for i, ask := range c.Ask {
		reach := base.Reach()
		if j := slices.IndexFunc(base.Ask, func(b Ask) bool { return b.Step == ask.Step }); j >= 0 {
			reach = base.Ask[j].Reaches.Vector()
		}
		all.note(!reach.AtLeast(ask.Reaches.Vector()), indexed("ask", i), "the provider proves less when it is asked like this")
	}
	return all
}
