package login

import (
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// arrival is somebody who comes from a provider, in the council's words. Which
// account they enter is still to be seen.
type arrival struct {
	SignIn   accounts.SignIn             `json:"sign_in"`
	Step     string                      `json:"step,omitempty"`     // what the provider was asked
	Forced   bool                        `json:"forced,omitempty"`   // and that they must sign in again
	Wished   bool                        `json:"wished,omitempty"`   // an app waits for what they prove
	Adds     bool                        `json:"adds,omitempty"`     // the resident wants to add the way in to their account
	AuthTime time.Time                   `json:"auth_time,omitzero"` // when they authenticated there; the zero time if the provider does not say
	Provider *connectors.ProviderSession `json:"provider,omitempty"` // the provider's session
	Idle     time.Duration               `json:"idle,omitempty"`     // how long a session may go unused on this provider's word; 0 for any time
	Ends     time.Time                   `json:"ends,omitzero"`      // when it must be over; the zero time if nobody says
}

// arrival is who comes with what the provider said in answer to a.
func (f *Flow) arrival(way *Way, a attempt, said *connectors.Assertion) arrival {
	now := f.Now()
	in := arrival{
		SignIn: accounts.SignIn{
			Connector: way.Config.ID, Issuer: said.Issuer, Subject: said.Subject,
			Said: way.Rules.Apply(said.Claims), Level: way.Rules.Assess(said.Signed), At: now,
			IdentityUntil: now.Add(fresh(way.Config.Levels.Identity)), ResidencyUntil: now.Add(fresh(way.Config.Levels.Residency)),
		},
		Step: a.Step, Forced: a.Force, Wished: a.Wished, Adds: a.Adds, AuthTime: authTime(said.AuthTime, now), Provider: said.Session,
		Idle: way.Config.Session.Idle, Ends: said.SessionEnds,
	}
	if limit := way.Config.Session.Lifetime; limit > 0 {
		in.Ends = earlier(in.Ends, now.Add(limit))
	}
	return in
}

// authTime is when the resident authenticated, as the provider says, but never in the
// future.
func authTime(said, now time.Time) time.Time {
	if said.After(now) {
		return now
	}
	return said
}

// fresh is how long what is read by l stays proved.
func fresh(l *config.Level) time.Duration {
	if l == nil {
		return 0
	}
	return l.Fresh
}

// session is the session of whoever arrived, in an account that they enter by
// link, on top of the one before where that is theirs (nil for none). It is not
// yet written. A provider that does not say when they authenticated is taken to mean
// the moment of its answer; but where they were signed in already, it may not have
// asked them anything.
func (f *Flow) session(in arrival, account accounts.Account, link accounts.Link, before *Session) Session {
	s := Session{
		Link: link.ID, Connector: in.SignIn.Connector, Step: in.Step, Issuer: in.SignIn.Issuer, Said: in.SignIn.Said,
		Proved: in.SignIn.Level, AuthTime: in.AuthTime, Shown: in.SignIn.At, Provider: in.Provider, Idle: in.Idle, Ends: in.Ends,
		wished: in.Wished,
	}
	switch {
	case !in.AuthTime.IsZero():
	case before != nil && !in.Forced:
		s.AuthTime = before.AuthTime
	default:
		s.AuthTime = in.SignIn.At
	}
	f.weigh(&s, account, link)
	if before != nil && before.Account.ID == account.ID {
		return f.atop(s, *before, link)
	}
	return s
}

// admit enters the account of whoever arrived, and makes one for whoever comes
// for the first time.
func (f *Flow) admit(r *http.Request, in arrival, before *Session) (Session, error) {
	account, link, first, err := f.Accounts.Enter(r.Context(), in.SignIn)
	if err != nil {
		return Session{}, err
	}
	web.Annotate(r, slog.Bool("first", first))
	return f.session(in, account, link, before), nil
}

// over is a newer statement of a provider, with what it leaves out of an older
// one. A flag such as email_verified goes with the claim that it is about.
func over(newer, older mapping.Statement) mapping.Statement {
	all := mapping.Statement{Claims: maps.Clone(newer.Claims), Verified: newer.Verified, Dropped: newer.Dropped}
	if all.Claims == nil {
		all.Claims = mapping.Claims{}
	}
	for name, value := range older.Claims {
		_, said := newer.Claims[strings.TrimSuffix(name, "_verified")]
		if _, same := newer.Claims[name]; said || same {
			continue
		}
		all.Claims[name] = value
		if slices.Contains(older.Verified, name) {
			all.Verified = append(slices.Clone(all.Verified), name)
		}
	}
	slices.Sort(all.Verified)
	return all
}

// earlier is the earlier of two times of which the zero time is none, shorter
// the shorter of two durations of which 0 is none.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

func shorter(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
