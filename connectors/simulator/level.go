package simulator

import "github.com/councilid/councilid/mapping"

// demand is one of the levels that a request asks for.
type demand struct {
	word  string // the provider's own for it
	level mapping.Assurance
}

// reach is what a sign-in comes to.
type reach struct {
	mapping.Assurance
	word string // of the demand that was met
	met  bool   // whether any was, or none was made
}

// reach is what comes of asking somebody: the last of the demands that they can
// meet or, where there is none, as much of them all as they can.
func (m manner) reach(a authorization, someone Persona) reach {
	if m.demands == nil {
		return reach{Assurance: someone.Reaches, met: true}
	}
	var most mapping.Assurance
	var met reach
	for _, d := range m.demands(a) {
		most = most.Join(d.level)
		if someone.Reaches.AtLeast(d.level) {
			met = reach{Assurance: d.level, word: d.word, met: true}
		}
	}
	if !met.met {
		met.Assurance = most.Meet(someone.Reaches)
	}
	return met
}

// said is r as the expressions of a preset see it.
func (r reach) said() map[string]any {
	levels := r.String()
	return map[string]any{
		"identity": levels[0:2], "authenticator": levels[3:5], "phishing": levels[6:8], "residency": levels[9:11], "word": r.word, "met": r.met,
	}
}
