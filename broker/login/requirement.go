package login

import (
	"slices"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// requirement is what a request needs to know for sure about whoever signs in.
type requirement struct {
	least     mapping.Assurance   // the app's registered minimum, which always holds
	levels    []mapping.Assurance // what the request asks for besides, best first: one of them will do
	essential bool                // less than one of levels is of no use to the app
}

// requires is what req needs. A request may ask for more than the app's
// registered minimum, never for less: each of its levels is joined with that.
func requires(req Request, app config.App) requirement {
	n := requirement{least: app.Assurance.Vector(), essential: req.Essential && len(req.Levels) > 0}
	for _, level := range req.Levels {
		n.levels = append(n.levels, level.Join(n.least))
	}
	return n
}

// met reports whether a session that is worth level is all that is wanted.
func (n requirement) met(level mapping.Assurance) bool {
	return slices.ContainsFunc(n.goals(), level.AtLeast)
}

// enough reports whether it will do where no more can be had.
func (n requirement) enough(level mapping.Assurance) bool {
	return n.met(level) || !n.essential && level.AtLeast(n.least)
}

// goals are the levels of which one is wanted, best first.
func (n requirement) goals() []mapping.Assurance {
	if len(n.levels) == 0 {
		return []mapping.Assurance{n.least}
	}
	return n.levels
}

// ladder are the goals, and below them the minimum, with which an app makes do
// that would only like to know more.
func (n requirement) ladder() [][]mapping.Assurance {
	if n.essential || len(n.levels) == 0 {
		return [][]mapping.Assurance{n.goals()}
	}
	return [][]mapping.Assurance{n.levels, {n.least}}
}
