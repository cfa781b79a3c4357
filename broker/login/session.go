package login

import (
	"context"
	"crypto/rand"
	"errors"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Session is one browser signed in at the broker.
type Session struct {
	SID       string            `json:"sid"`              // names the session towards apps; says nothing about the cookie
	Account   accounts.Account  `json:"account"`          // whose it is
	Link      string            `json:"link"`             // the way in that was used
	Connector string            `json:"connector"`        // its connector
	Step      string            `json:"step,omitempty"`   // in which of its steps that was asked
	Issuer    string            `json:"issuer"`           // who said who it is: the provider, by its own name
	Said      mapping.Statement `json:"said"`             // what the provider said, in standard names
	Told      mapping.Statement `json:"told,omitzero"`    // what apps may be told, where that is not just that; see Known
	Proved    mapping.Assurance `json:"proved"`           // what the last sign-in proved itself, and those just before by the same link; capped
	Inherit   mapping.Assurance `json:"inherit,omitzero"` // what the session was worth before, by other links
	Level     mapping.Assurance `json:"level"`            // what the session is worth: what apps may be told
	AuthTime  time.Time         `json:"auth_time"`        // when the resident authenticated at the provider
	Started   time.Time         `json:"started"`          // when the session began; its lifetime counts from here
	Shown     time.Time         `json:"shown"`            // when the resident last came from a provider in it
	Idle      time.Duration     `json:"idle,omitempty"`   // how long it may go unused, where that is shorter than usual
	Ends      time.Time         `json:"ends,omitzero"`    // when it must be over before its time; the zero time if nobody says

	Shared bool  `json:"shared,omitempty"` // others use the browser, too: it is for the login that opened it alone,
	Own    bool  `json:"own,omitempty"`    // or, where that was for them, for residents' own pages
	Agent  agent `json:"agent,omitzero"`   // the browser

	// Provider is the session that the provider opened, where it can be asked
	// to end it.
	Provider *connectors.ProviderSession `json:"provider,omitempty"`

	Earlier []Earlier `json:"earlier,omitempty"` // the sign-ins before, by other ways in, the last one first

	// Acting is set where the resident acts for somebody else at an app: then
	// Account and what is said in it are that other person's. It is never kept:
	// everywhere else the resident is themself.
	Acting *Acting `json:"-"`

	// Basis is what the app's answer rests on besides.
	Basis accounts.Basis `json:"-"`

	handle store.Handle // where it is
	fresh  bool         // made by this very request, not found in the store
	opened bool         // made by an earlier request of this very login
	wished bool         // an app waits for what its last sign-in proves
}

var (
	sessionTable = store.Table[Session]{Name: "session"}

	// placeTable says where the session of a SID is now, by its Ref: it moves
	// whenever the cookie changes.
	placeTable = store.Table[string]{Name: "place"}
)

// standing is s as an attempt remembers it that is made in it.
func (s *Session) standing() *standing {
	if s == nil {
		return nil
	}
	return &standing{Account: s.Account.ID, Connector: s.Connector}
}

// place is where the Ref of the session called sid is kept.
func place(sid string) store.Handle { return store.Handle{Tag: sid} }

// Left is how long s may still live unused, or 0 when its lifetime is over.
func (f *Flow) Left(s Session) time.Duration {
	idle := f.Session.Idle
	if s.Idle > 0 {
		idle = min(idle, s.Idle)
	}
	return max(0, min(idle, f.ends(s).Sub(f.Now())))
}

// Over is when what was issued in s is over in any case.
func (f *Flow) Over(s Session) time.Time {
	if over := f.ends(s); s.Acting == nil || over.Before(s.Acting.Until) {
		return over
	}
	return s.Acting.Until
}

// ends is when s itself is over.
func (f *Flow) ends(s Session) time.Time {
	over := s.Started.Add(f.Session.Lifetime)
	if !s.Ends.IsZero() && s.Ends.Before(over) {
		return s.Ends
	}
	return over
}

// Current returns the session of the browser, or nil.
func (f *Flow) Current(r *http.Request) (*Session, error) {
	v, b := f.visitor(r), f.Store.Batch()
	found := v.ask(b)
	if err := b.Exec(r.Context()); err != nil {
		return nil, err
	}
	return f.live(v, found), nil
}

// ask looks up the session of the visitor's cookie, or nothing (nil) without
// one.
func (v visitor) ask(b *store.Batch) *store.Reply[Session] {
	if v.session == (store.Handle{}) {
		return nil
	}
	return sessionTable.Get(b, v.session)
}

// live returns what ask found, if it may still be used: what it proved counts for
// no more than its connector is believed today.
func (f *Flow) live(v visitor, found *store.Reply[Session]) *Session {
	if found == nil {
		return nil
	}
	s, ok := found.Value()
	if !ok || f.Left(s) == 0 {
		return nil
	}
	s.Proved = f.believed(s.Connector, s.Proved)
	s.handle = v.session
	return &s
}

// believed is as much of what a sign-in proved as its connector is believed today.
func (f *Flow) believed(connector string, proved mapping.Assurance) mapping.Assurance {
	way, _ := f.way(connector)
	return proved.Meet(way.Config.Cap.Vector())
}

// open writes a new session to b in place of old (nil for none) and sends the
// cookies. Whoever signs in again as the same person keeps the session's SID,
// so that apps know it as one session; its cookie changes all the same.
func (f *Flow) open(w http.ResponseWriter, r *http.Request, b *store.Batch, v *visitor, old *Session, s Session) (Session, error) {
	was := v.browser
	s.SID, s.Agent, s.fresh = rand.Text(), parseAgent(r.UserAgent()), true
	if s.Started.IsZero() {
		s.Started = f.Now()
	}
	if old != nil {
		if old.Account.ID == s.Account.ID {
			s.SID = old.SID
			s.follow(*old)
			if old.Shared { // whatever they were asked in another tab
				s.share()
			}
		} else if _, err := f.endUnasked(r.Context(), *old, Leaving{}); err != nil {
			return s, err
		} else {
			v.browser.ID = rand.Text() // somebody else sits there now
		}
		sessionTable.Delete(b, v.session)
	}
	// A sign-out that got stuck here is not for whoever signs in now to see.
	askedTable.Delete(b, was.handle())
	h := store.NewHandle()
	before := f.put(b, h, s)
	b.Check(func() error { return f.oust(r.Context(), before, v.session, h) })
	enlist(b, s, f.Over(s).Sub(f.Now()))
	v.browser.Last = s.Connector
	if s.Shared {
		v.browser.Last, v.browser.App = "", ""
	}
	return s, errors.Join(f.enter(w, r, h), f.remember(w, r, v.browser))
}

// put writes s to b under h, where its SID finds it. The reply is the Ref of where that
// led before.
func (f *Flow) put(b *store.Batch, h store.Handle, s Session) *store.Reply[string] {
	sessionTable.Put(b, h, s, f.Left(s))
	over := f.Over(s).Sub(f.Now())
	sessionsIndex.Add(b, s.Account.ID, s.SID, over)
	return placeTable.Swap(b, place(s.SID), h.Ref(), over)
}

// oust ends the session to which a SID led until a new one took its place, unless that
// is one of known: its person was answered in two tabs at once, and a SID has one
// session.
func (f *Flow) oust(ctx context.Context, before *store.Reply[string], known ...store.Handle) error {
	ref, led := before.Value()
	last, ok := store.ParseRef(ref)
	if !led || !ok || slices.ContainsFunc(known, func(h store.Handle) bool { return h.Ref() == ref }) {
		return nil
	}
	b := f.Store.Batch()
	sessionTable.Delete(b, last)
	return b.Exec(context.WithoutCancel(ctx))
}
