package login

import (
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// A session may be made of several sign-ins of its person, each of which is to prove
// more than those before it. Session says all of the last one; of those before it is
// kept what the session rests on, and what their providers have to be told when it
// ends.

// Earlier is a sign-in in a session before the last one by another way in.
type Earlier struct {
	Link      string            `json:"link"`
	Connector string            `json:"connector"`
	Proved    mapping.Assurance `json:"proved,omitzero"` // itself, capped; zero where the session does not rest on it

	// Provider is the session that its provider opened, where it can be asked to end
	// it.
	Provider *connectors.ProviderSession `json:"provider,omitempty"`
}

// rests reports whether the session would be worth less without e.
func (e Earlier) rests() bool { return e.Proved != mapping.Assurance{} }

// signIns are all sign-ins of s, the last one first.
func (s Session) signIns() []Earlier {
	last := Earlier{Link: s.Link, Connector: s.Connector, Proved: s.Proved, Provider: s.Provider}
	return append([]Earlier{last}, s.Earlier...)
}

// restsOn reports whether s would be worth less without a way in.
func (s Session) restsOn(link string) bool {
	return s.Link == link || slices.ContainsFunc(s.Earlier, func(e Earlier) bool { return e.Link == link && e.rests() })
}

// provedBy is what sign-ins of s by a link have proved, as far as s knows.
func (s Session) provedBy(link string) (proved mapping.Assurance) {
	for _, e := range s.signIns() {
		if e.Link == link {
			proved = proved.Join(e.Proved)
		}
	}
	return proved
}

// follow enters in s the sign-ins of the session before, whose place it takes. Where
// s knows nothing of one, it does not rest on it.
func (s *Session) follow(before Session) {
	for _, e := range before.signIns() {
		known := func(other Earlier) bool { return other.Link == e.Link }
		if !slices.ContainsFunc(s.signIns(), known) {
			e.Proved = mapping.Assurance{}
			s.Earlier = append(s.Earlier, e)
		}
	}
}

// atop is s as a further sign-in of the person whose session before is: both
// count. What s alone is not worth rests on the earlier one, and outlasts neither
// that nor its way in.
func (f *Flow) atop(s, before Session, link accounts.Link) Session {
	both := s
	both.Proved, both.Inherit = s.Proved.Join(before.provedBy(s.Link)), before.Level
	if s.Link == before.Link {
		both.Inherit = before.Inherit
		if s.Step != before.Step { // to the same question the newer answer is the whole one
			both.Said = over(s.Said, before.Said)
		}
	}
	f.weigh(&both, s.Account, link)
	if before.AuthTime.After(s.AuthTime) {
		both.AuthTime = before.AuthTime
	}
	if s.Level.AtLeast(both.Level) {
		both.Inherit = mapping.Assurance{}
		return both
	}
	both.Earlier = slices.DeleteFunc(before.signIns(), func(e Earlier) bool { return e.Link == s.Link })
	both.Started = before.Started
	both.Idle, both.Ends = shorter(s.Idle, before.Idle), earlier(s.Ends, before.Ends)
	return both
}
