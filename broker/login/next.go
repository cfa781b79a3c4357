package login

import (
	"slices"
	"strings"
	"time"
)

// step is what happens next in a login.
type step struct {
	kind    kind
	way     Way     // of start
	refusal Refusal // of refuse
}

type kind int

const (
	issue  kind = iota // the session will do: answer the app
	start              // go to one connector
	choose             // ask the resident which
	refuse             // answer the app without a session
)

// next decides what follows for req in a browser whose live session is s (nil
// for none). ways are those that the app allows and that can satisfy req.
func next(req Request, s *Session, ways []Way, now time.Time) step {
	if s != nil && satisfies(*s, req, ways, now) {
		return step{kind: issue}
	}
	if req.Passive {
		// OpenID Connect Core §3.1.2.1: prompt=none must not show any page.
		return step{kind: refuse, refusal: LoginRequired}
	}
	if way, ok := named(req, ways); ok {
		return step{kind: start, way: way}
	}
	switch len(ways) {
	case 0:
		return step{kind: refuse, refusal: NoWay}
	case 1:
		return step{kind: start, way: ways[0]}
	}
	return step{kind: choose}
}

// satisfies reports whether req can be answered from s without asking the
// resident anything.
func satisfies(s Session, req Request, ways []Way, now time.Time) bool {
	if req.Force || req.Choose || !s.freshEnough(req.MaxAge, now) {
		return false
	}
	if req.Connector != "" && req.Connector != s.Connector && has(ways, req.Connector) {
		return false
	}
	return has(ways, s.Connector)
}

// freshEnough reports whether the resident authenticated no longer than maxAge
// ago (OpenID Connect Core §3.1.2.1, max_age). nil is any age, and nothing that
// lies behind is fresh enough for 0.
func (s Session) freshEnough(maxAge *time.Duration, now time.Time) bool {
	return maxAge == nil || *maxAge > 0 && now.Sub(s.AuthTime) <= *maxAge
}

// named returns the way that the request itself points to: by connector_hint,
// or by the e-mail domain of its login_hint.
func named(req Request, ways []Way) (Way, bool) {
	if i := index(ways, req.Connector); i >= 0 {
		return ways[i], true
	}
	_, domain, _ := strings.Cut(req.LoginHint, "@")
	domain = strings.ToLower(domain)
	for _, way := range ways {
		if domain != "" && slices.Contains(way.Config.Domains, domain) {
			return way, true
		}
	}
	return Way{}, false
}

func has(ways []Way, id string) bool { return index(ways, id) >= 0 }

func index(ways []Way, id string) int {
	return slices.IndexFunc(ways, func(w Way) bool { return w.Config.ID == id })
}
