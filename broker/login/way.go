package login

import (
	"cmp"
	"slices"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Way is one connector as the flow uses it.
type Way struct {
	Config    config.Connector
	Connector connectors.Connector
	Rules     *mapping.Rules
}

// trip is one visit of a resident to a provider.
type trip struct {
	way  *Way
	ask  config.Ask        // in which of its steps it is asked,
	goal mapping.Assurance // for what,
	anew bool              // and that the resident must sign in again
	adds bool              // it is to add the way in to the session's account
}

// stop is a step of a provider that somebody has been through.
type stop struct {
	Connector string `json:"connector"`
	Step      string `json:"step"`
}

// asks are the steps in which the provider can be asked, weakest first. Without
// any there is one way of asking, for all that the cap allows.
func (w *Way) asks() []config.Ask {
	if len(w.Config.Ask) == 0 {
		return []config.Ask{{Reaches: w.Config.Cap}}
	}
	return w.Config.Ask
}

// toward is the next visit that leads to the first of goals that the way can
// reach, of somebody who has signed in as s (nil for nobody) and has done those
// steps in this login.
func (w *Way) toward(goals []mapping.Assurance, s *Session, done []stop) (trip, bool) {
	for _, goal := range goals {
		for _, ask := range w.asks() {
			if !w.spent(ask, s, done) && w.reaches(ask, goal, s) {
				ask = w.first(ask, s, done)
				return trip{way: w, ask: ask, goal: goal, anew: w.repeats(ask, s) && w.canForce()}, true
			}
		}
	}
	return trip{}, false
}

// reaches reports whether asking like this can bring somebody to goal, who is
// signed in as s (nil for nobody): by what the answer will be worth, so that an
// identity which comes without a strong sign-in leads nowhere. Of the council's own
// way in only the sign-in counts: who the person is shows by the account behind it,
// which is known once somebody is signed in.
func (w *Way) reaches(ask config.Ask, goal mapping.Assurance, s *Session) bool {
	most, known := ask.Reaches.Vector().Meet(w.Config.Cap.Vector()), mapping.Assurance{}
	if w.Config.Council != nil {
		known = goal
	}
	if s == nil {
		return mapping.Effective(most, known, mapping.Assurance{}, mapping.Assurance{}).AtLeast(goal)
	}
	if s.Connector == w.Config.ID {
		most = most.Join(s.Proved)
	}
	level := mapping.Effective(most, known.Meet(s.Account.Level), mapping.Assurance{}, mapping.Assurance{})
	return level.Join(s.Level).AtLeast(goal)
}

// spent reports whether asking like this would bring nothing new. Each step is
// taken once in a login; and a provider that can be asked in one way only, and
// cannot be made to have people sign in again, would say what it said when s
// began.
func (w *Way) spent(ask config.Ask, s *Session, done []stop) bool {
	return slices.Contains(done, stop{w.Config.ID, ask.Step}) || w.repeats(ask, s) && len(w.Config.Ask) == 0 && !w.canForce()
}

// repeats reports whether s was signed in by asking like this.
func (w *Way) repeats(ask config.Ask, s *Session) bool {
	return s != nil && s.Connector == w.Config.ID && s.Step == ask.Step
}

// first is the step to begin with: ask, or what must come before it.
func (w *Way) first(ask config.Ask, s *Session, done []stop) config.Ask {
	for range w.Config.Ask { // which end though they lead in a circle
		i := slices.IndexFunc(w.Config.Ask, func(other config.Ask) bool { return other.Step == ask.After })
		if ask.After == "" || i < 0 || w.behind(w.Config.Ask[i], s, done) {
			break
		}
		ask = w.Config.Ask[i]
	}
	return ask
}

// behind reports whether a step need not be taken before another: it was in
// this login, or s was signed in here and proved as much.
func (w *Way) behind(ask config.Ask, s *Session, done []stop) bool {
	return slices.Contains(done, stop{w.Config.ID, ask.Step}) ||
		s != nil && s.Connector == w.Config.ID && s.Proved.AtLeast(ask.Reaches.Vector().Meet(w.Config.Cap.Vector()))
}

// canForce reports whether the provider can be told to ask for a new sign-in
// and proves when the resident signed in. OAuth 2.0 has no such proof. A
// connector that cannot is not offered where an app insists: the broker must
// not claim a re-authentication that did not happen.
func (w *Way) canForce() bool {
	switch c := w.Config; {
	case c.OIDC != nil:
		return c.OIDC.Force != "never"
	case c.SAML != nil:
		return c.SAML.Request.Force != "never"
	}
	return w.Config.Council != nil
}

// proves reports whether the resident goes to prove who they are, or where they
// live, which may take days.
func (t trip) proves() bool { return t.ask.After != "" || t.goal.Person() != mapping.Assurance{} }

// patience is how long an answer of the provider is waited for.
func (w *Way) patience() time.Duration { return cmp.Or(w.Config.Patience, loginTime) }

// patient reports whether residents may come back long after they left, to a
// browser that has forgotten them.
func (w *Way) patient() bool { return w.Config.Landing || w.patience() > loginTime }
