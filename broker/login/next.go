package login

import (
	"slices"
	"strings"
	"time"
)

// step is what happens next in a login.
type step struct {
	kind    kind
	trip    trip    // of start
	refusal Refusal // of refuse
}

type kind int

const (
	issue  kind = iota // the session will do: answer the app
	start              // go to one connector
	choose             // ask the resident which
	refuse             // answer the app without a session
)

// situation is a login as far as it has come, and the browser that it is in.
type situation struct {
	pending
	needs   requirement
	session *Session // that is live in the browser, or nil
	ways    []*Way   // that the app allows and that can satisfy the request but for levels
	now     time.Time
}

// next decides what follows.
func next(q situation) step {
	s := q.standing()
	errand, ok := q.ahead(s)
	switch {
	case ok:
		return step{kind: start, trip: errand}
	case s != nil && q.needs.met(s.Level):
		return step{kind: issue}
	case q.Request.Passive:
		return q.passive(s)
	}
	trips := q.trips(s)
	if trip, ok := q.obvious(s, trips); ok {
		return step{kind: start, trip: trip}
	}
	switch {
	case len(trips) > 0:
		return step{kind: choose}
	case s != nil && q.needs.enough(s.Level):
		return step{kind: issue}
	case len(q.ways) == 0:
		return step{kind: refuse, refusal: NoWay}
	}
	return step{kind: refuse, refusal: Unmet}
}

// passive is next where no page may be shown (OpenID Connect Core §3.1.2.1,
// prompt=none).
func (q situation) passive(s *Session) step {
	switch {
	case s == nil:
		return step{kind: refuse, refusal: LoginRequired}
	case q.needs.enough(s.Level):
		return step{kind: issue}
	}
	return step{kind: refuse, refusal: Interaction}
}

// done reports whether s is all that the login is for.
func (q situation) done(s *Session) bool {
	_, ahead := q.ahead(s)
	return s != nil && q.needs.met(s.Level) && !ahead
}

// standing is the session, where it satisfies the request but perhaps for its
// level: what is missing then can be proved in it. A session that this login
// itself opened is what the app asked for, unless an older sign-in has taken its place
// in another tab.
func (q situation) standing() *Session {
	s, req := q.session, q.Request
	switch {
	case s == nil || !has(q.ways, s.Connector):
		return nil
	case s.SID == q.SID && !s.AuthTime.Before(q.AuthTime):
		return s
	case s.Shared && !(s.Own && req.own()):
		return nil
	case req.Force || req.Choose || !s.freshEnough(req.MaxAge, q.now):
		return nil
	case req.Connector != "" && req.Connector != s.Connector && has(q.ways, req.Connector):
		return nil
	}
	return s
}

// freshEnough reports whether the resident authenticated no longer than maxAge
// ago (OpenID Connect Core §3.1.2.1, max_age). nil is any age, and nothing that
// lies behind is fresh enough for 0.
func (s Session) freshEnough(maxAge *time.Duration, now time.Time) bool {
	return maxAge == nil || *maxAge > 0 && now.Sub(s.AuthTime) <= *maxAge
}

// trips are the visits that lead to what is needed, from where s stands (nil
// for nowhere), one for each way. Where nothing leads to what an app would like
// to know, those that lead to its minimum, if s is below it.
func (q situation) trips(s *Session) []trip {
	if t, ok := q.ahead(s); ok {
		return []trip{t}
	}
	for _, goals := range q.needs.ladder() {
		if s != nil && slices.ContainsFunc(goals, s.Level.AtLeast) {
			return nil
		}
		var trips []trip
		for _, way := range q.ways {
			if trip, ok := way.toward(goals, s, q.Done); ok {
				trips = append(trips, trip)
			}
		}
		if len(trips) > 0 {
			return trips
		}
	}
	return nil
}

// obvious is the visit about which the resident need not be asked: in a session,
// to the provider that they are signed in with; else to the one that the request
// points to, or to the only one.
func (q situation) obvious(s *Session, trips []trip) (trip, bool) {
	i := -1
	switch {
	case s != nil:
		i = indexOf(trips, s.Connector)
	case len(trips) == 1:
		i = 0
	default:
		i = named(q.Request, trips)
	}
	if i < 0 {
		return trip{}, false
	}
	return trips[i], true
}

// named is the visit to the connector that the request itself points to, by
// connector_hint or by the e-mail domain of its login_hint, or -1.
func named(req Request, trips []trip) int {
	if i := indexOf(trips, req.Connector); i >= 0 {
		return i
	}
	_, domain, _ := strings.Cut(req.LoginHint, "@")
	domain = strings.ToLower(domain)
	return slices.IndexFunc(trips, func(t trip) bool {
		return domain != "" && slices.Contains(t.way.Config.Domains, domain)
	})
}

func indexOf(trips []trip, connector string) int {
	return slices.IndexFunc(trips, func(t trip) bool { return t.way.Config.ID == connector })
}

func has(ways []*Way, id string) bool {
	return slices.ContainsFunc(ways, func(w *Way) bool { return w.Config.ID == id })
}
