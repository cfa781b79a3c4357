package login

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/store"
)

var (
	// sessionsIndex leads from an account to the SIDs of its sessions.
	sessionsIndex = store.Index{Name: "sessions"}

	// seenTable says when the session of a SID last answered an app.
	seenTable = store.Table[time.Time]{Name: "seen"}
)

// Device is a browser in which somebody is signed in.
type Device struct {
	SID       string    // of its session
	Browser   string    // what it is called by its maker, as in Firefox; "" for one that is not known
	System    string    // what it runs on, as in Windows; "" likewise
	Connector string    // by which they signed in
	Since     time.Time // when they did
	Used      time.Time // when the session was last used
	Apps      []string  // that they are signed in to there, by id
	Shared    bool      // others use it, too
}

// Sessions are the browsers in which somebody is signed in to the account, the one
// used last first.
func (f *Flow) Sessions(ctx context.Context, account string) ([]Device, error) {
	found, err := f.sessionsOf(ctx, account)
	if err != nil {
		return nil, err
	}
	devices := make([]Device, 0, len(found))
	for _, at := range found {
		devices = append(devices, at.device())
	}
	slices.SortFunc(devices, func(a, b Device) int { return b.Used.Compare(a.Used) })
	return devices, nil
}

// EndDevice ends the session called sid, in all its apps, if it is the account's.
func (f *Flow) EndDevice(ctx context.Context, account, sid string) (Receipt, error) {
	return f.endThose(ctx, account, func(s Session) bool { return s.SID == sid })
}

// EndAll ends every session of the account, in all their apps, but the one called
// except.
func (f *Flow) EndAll(ctx context.Context, account, except string) (Receipt, error) {
	return f.endThose(ctx, account, func(s Session) bool { return s.SID != except })
}

// endThose ends some sessions of the account. One that cannot be ended does not
// keep the others.
func (f *Flow) endThose(ctx context.Context, account string, which func(Session) bool) (Receipt, error) {
	found, err := f.sessionsOf(ctx, account)
	if err != nil {
		return Receipt{}, err
	}
	var all Receipt
	var errs []error
	for _, at := range found {
		if !which(at.Session) {
			continue
		}
		done, err := f.EndSession(ctx, at.SID, Leaving{})
		all.add(done)
		errs = append(errs, err)
	}
	return all, errors.Join(errs...)
}

// inUse is a session that can be used, and what it was used for.
type inUse struct {
	Session
	uses []Use
	seen time.Time // the zero time where it answered no app after the first
}

func (u inUse) device() Device {
	d := Device{
		SID: u.SID, Browser: u.Agent.Browser, System: u.Agent.System, Connector: u.Connector, Shared: u.Shared,
		Since: u.Started, Used: u.Shown,
	}
	if u.seen.After(d.Used) {
		d.Used = u.seen
	}
	for _, use := range u.uses {
		d.Apps = with(d.Apps, use.App)
	}
	return d
}

// sessionsOf finds the sessions of the account, wherever they have moved.
func (f *Flow) sessionsOf(ctx context.Context, account string) ([]inUse, error) {
	b := f.Store.Batch()
	members := sessionsIndex.Members(b, account)
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	sids, _ := members.Value()
	looks := make([]look, len(sids))
	for i, sid := range sids {
		looks[i] = look{place: placeTable.Get(b, place(sid)), seen: seenTable.Get(b, place(sid)), uses: useIndex.Members(b, sid)}
	}
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	for i := range looks {
		looks[i].follow(b)
	}
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	var found []inUse
	for _, l := range looks {
		u, err := l.found()
		if err != nil {
			return nil, err
		}
		if f.Left(u.Session) > 0 {
			found = append(found, u)
		}
	}
	return found, nil
}

// look is what is asked about the session of a SID.
type look struct {
	place   *store.Reply[string]
	seen    *store.Reply[time.Time]
	uses    *store.Reply[[]string]
	session *store.Reply[Session] // nil where it is nowhere
}

// follow asks for the session where its place was found.
func (l *look) follow(b *store.Batch) {
	ref, _ := l.place.Value()
	if h, ok := store.ParseRef(ref); ok {
		l.session = sessionTable.Get(b, h)
	}
}

// found is what was found: nobody's session where there is none any more.
func (l *look) found() (inUse, error) {
	if l.session == nil {
		return inUse{}, nil
	}
	var u inUse
	u.Session, _ = l.session.Value()
	u.seen, _ = l.seen.Value()
	entries, _ := l.uses.Value()
	var err error
	u.uses, err = readLedger(entries)
	return u, err
}
