package login

import (
	"cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// weigh sets what s is worth by what is known of its account and link now, and what
// apps may be told of the resident in it. It is worth what its way in is joined with what
// the session was before, component by component: P2.Cm before and P0.Ch now are P2.Ch.
// Identity was proved by a sign-in of this session that was strong enough for it, and
// protection is this session's, in which whoever sits there has shown a stronger key to
// the same account. That is how residents step up; and a thief gains nothing by a key of
// their own, for added in a session worth P2 it would inherit as much.
//
// Each of the two is gated by itself before: who somebody is must be shown by a strong
// sign-in, and does not ride on the strength of another, which may be somebody else's.
func (f *Flow) weigh(s *Session, account accounts.Account, link accounts.Link) {
	s.Account = account
	before := s.Inherit
	before.Identity, before.Residency = min(before.Identity, account.Level.Identity), min(before.Residency, account.Level.Residency)
	s.Level = mapping.Effective(s.Proved, link.Own, account.Level, link.Inherit).Join(before)
	s.Told = f.toTell(*s, link)
}

// toTell is what apps may be told of the resident in s, or the zero Statement where
// that is what the provider said: of most people nobody else ever said anything.
func (f *Flow) toTell(s Session, link accounts.Link) mapping.Statement {
	proved := s.Proved.Join(link.Own)
	if proved.AtLeast(s.Level.Person()) && s.saidAll() {
		return mapping.Statement{}
	}
	at := cmp.Or(s.Started, f.Now())
	told := mapping.Told(f.Precedence.Weigh(s.Account.Words, mapping.Sitting{
		Link: s.Link, Said: s.Said.Words(s.Connector, s.Link, proved, at), Worth: s.Level, Now: f.Now(),
	}))
	told.Dropped = s.Said.Dropped
	return told
}

// saidAll reports whether the provider just said all that anybody ever said of the
// resident.
func (s Session) saidAll() bool {
	for _, w := range s.Account.Words {
		if _, said := s.Said.Claims[w.Claim]; !said || w.Link != s.Link {
			return false
		}
	}
	return true
}

// Known is what apps may be told of the resident: what the provider said, and what
// is known of them besides.
func (s Session) Known() mapping.Statement {
	if s.Told.Claims == nil {
		return s.Said
	}
	return s.Told
}
