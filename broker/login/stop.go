package login

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
)

// What a resident withdraws is over for apps at once, on every node: first nothing
// new is issued under it, then what sessions hold ends, then refresh tokens. Whoever
// signs in or redeems a code meanwhile is found by one of these, or finds that what
// they began with is gone.

// ending is what is over for apps.
type ending struct {
	bases []string     // on which nothing is issued any more: consents, and delegations at an app
	held  []held       // what sessions hold
	kept  []Withdrawal // what front ends keep apart from them

	forNow bool // it may begin again
}

// held are some uses of the sessions that an index has under a key.
type held struct {
	index store.Index
	key   string
	which func(Use) bool
}

// StopSharing ends that an app uses the account: what the resident agreed to is
// withdrawn, and the app loses its tokens and is told to sign the resident out, as
// are those who act for them there: nobody does any more whom the resident does not
// name again. Sessions go on with other apps.
func (f *Flow) StopSharing(ctx context.Context, account, app string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	behind := f.catchUp(ctx, account) // or what is folded in later looks as if it went on
	ended, err := f.Accounts.Withdraw(ctx, account, app)
	if err != nil {
		return Receipt{}, err
	}
	given, _, err := f.Accounts.Delegations(ctx, account)
	if err != nil {
		return Receipt{}, err
	}
	e := ending{bases: ended, kept: []Withdrawal{{Account: account, App: app}}}
	e.held = append(e.held, held{sessionsIndex, account, func(u Use) bool { return u.App == app && u.Delegation == "" }})
	for _, d := range given {
		e.actingAt(d.ID, app)
	}
	done, err := f.carryOut(ctx, e)
	return done, errors.Join(behind, err)
}

// actingAt adds to e what was issued under a delegation at some apps.
func (e *ending) actingAt(id string, apps ...string) {
	for _, app := range apps {
		e.bases = append(e.bases, delegated(id, app))
		e.kept = append(e.kept, Withdrawal{Delegation: id, App: app})
	}
	e.held = append(e.held, held{actingIndex, id, func(u Use) bool { return u.Delegation == id && slices.Contains(apps, u.App) }})
}

// EndDelegation ends a delegation for either side: the delegate's apps lose the
// tokens that they got for the principal, and are told.
func (f *Flow) EndDelegation(ctx context.Context, account, id string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	d, err := f.Accounts.Revoke(ctx, account, id)
	if err != nil {
		return Receipt{}, err
	}
	return f.endActing(ctx, d)
}

// endActing ends what was issued under a delegation.
func (f *Flow) endActing(ctx context.Context, d accounts.Delegation) (Receipt, error) {
	var e ending
	e.actingAt(d.ID, d.Apps...)
	return f.carryOut(ctx, e)
}

// EndThrough ends what was got by a way in that was taken away from the account: the
// sessions that rest on it, in all their apps, and what apps may do while the resident
// is away.
func (f *Flow) EndThrough(ctx context.Context, account, link string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	done, ended := f.endThose(ctx, account, func(s Session) bool { return s.restsOn(link) })
	_, received, err := f.Accounts.Delegations(ctx, account)
	_, lasting := f.carryOut(ctx, ending{kept: through(account, link, received)})
	return done, errors.Join(ended, err, lasting)
}

// suspend ends, for now, what front ends keep that was got by a link which leads in no
// more, and all that apps have from those who act for its person, where nobody may.
// The person's own sessions are ended by those who know which they are.
func (f *Flow) suspend(ctx context.Context, link accounts.Link) error {
	given, received, err := f.Accounts.Delegations(ctx, link.Account)
	if err != nil {
		return err
	}
	e := ending{forNow: true, kept: through(link.Account, link.ID, received)}
	for _, d := range given {
		if !d.Holds(f.Now()) {
			continue
		}
		_, _, err := f.Accounts.Delegation(ctx, d.ID, d.Apps[0])
		switch {
		case errors.Is(err, accounts.ErrWithdrawn):
			e.actingAt(d.ID, d.Apps...)
		case err != nil:
			return err
		}
	}
	_, err = f.carryOut(ctx, e)
	return err
}

// through is what was given to those who came by a way in to the account, for itself or
// under the delegations that it has received.
func through(account, link string, received []accounts.Delegation) []Withdrawal {
	all := []Withdrawal{{Account: account, Link: link}}
	for _, d := range received {
		all = append(all, Withdrawal{Delegation: d.ID, Link: link})
	}
	return all
}

// Forget ends all that apps have of an account that is no more: what they got in its
// sessions, what they may do while the resident is away, and what they got from those
// who act for it, or for whom it acts.
func (f *Flow) Forget(ctx context.Context, account string) error {
	ctx = context.WithoutCancel(ctx)
	_, ended := f.EndAll(ctx, account, "")
	given, received, err := f.Accounts.Delegations(ctx, account)
	errs := []error{ended, err}
	for _, d := range slices.Concat(given, received) {
		_, err := f.endActing(ctx, d)
		errs = append(errs, err)
	}
	_, err = f.carryOut(ctx, ending{kept: []Withdrawal{{Account: account}}})
	return errors.Join(append(errs, err)...)
}

// EndOver ends what the accounts say is over, wherever that was decided.
func (f *Flow) EndOver(ctx context.Context) error {
	return f.Accounts.EndOver(ctx, func(ctx context.Context, o accounts.Over) error {
		switch o.What {
		case accounts.DelegationEnded:
			_, err := f.endActing(ctx, accounts.Delegation{ID: o.Delegation, Apps: o.Apps})
			return err
		case accounts.Merged: // whoever is signed in to the other one is so still
			_, err := f.EndAll(ctx, o.Absorbed, "")
			return errors.Join(err, f.endLive(ctx, o.Account))
		}
		_, one := f.EndAll(ctx, o.Account, "")
		_, other := f.EndAll(ctx, o.Absorbed, "")
		return errors.Join(one, other, f.endLive(ctx, o.Account), f.endLive(ctx, o.Absorbed))
	})
}

// endLive ends what is live of what was got for an account without a session of its
// own: by those who act for it, and by apps while nobody is there; and what it got for
// others. All may begin again at once.
func (f *Flow) endLive(ctx context.Context, account string) error {
	given, received, err := f.Accounts.Delegations(ctx, account)
	if err != nil {
		return err
	}
	e := ending{forNow: true, kept: []Withdrawal{{Account: account}}}
	for _, d := range given {
		e.actingAt(d.ID, d.Apps...)
	}
	for _, d := range received {
		e.kept = append(e.kept, Withdrawal{Delegation: d.ID})
	}
	e.bases = nil
	_, err = f.carryOut(ctx, e)
	return err
}

// carryOut ends e and tells the apps from server to server. What front ends keep does
// not wait for Redis: what may be used for months is kept in SQL.
func (f *Flow) carryOut(ctx context.Context, e ending) (Receipt, error) {
	errs := []error{f.close(ctx, e)}
	var ended []Use
	for _, h := range e.held {
		uses, err := f.endUses(ctx, h)
		ended, errs = append(ended, uses...), append(errs, err)
	}
	for _, protocol := range slices.Sorted(maps.Keys(f.FrontEnds)) {
		for _, what := range e.kept {
			what.ForNow = e.forNow
			errs = append(errs, f.FrontEnds[protocol].Withdraw(ctx, what))
		}
	}
	bye := farewell{}
	f.tell(ctx, &bye, ended)
	f.giveUp(ctx, &bye)
	return bye.Receipt, errors.Join(errs...)
}

// close lets nothing be issued any more that rests on the bases of e.
func (f *Flow) close(ctx context.Context, e ending) error {
	b, long := f.Store.Batch(), endedTime
	if e.forNow {
		long = suspendedTime
	}
	for _, basis := range e.bases {
		endedTable.Put(b, endedHandle(basis), true, long)
	}
	return b.Exec(ctx)
}

// endUses revokes what was issued in some uses, and returns them: their apps are to
// be told.
func (f *Flow) endUses(ctx context.Context, h held) ([]Use, error) {
	b := f.Store.Batch()
	members := h.index.Members(b, h.key)
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	sids, _ := members.Value()
	ledgers := make([]*store.Reply[[]string], len(sids))
	for i, sid := range sids {
		ledgers[i] = useIndex.Members(b, sid)
	}
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	var ended []Use
	for i, sid := range sids {
		entries, _ := ledgers[i].Value()
		uses, err := readLedger(entries)
		if err != nil {
			return nil, err
		}
		for j, u := range uses {
			if front, ok := f.FrontEnds[u.Protocol]; ok && h.which(u) {
				front.End(b, u)
				useIndex.Remove(b, sid, entries[j])
				ended = append(ended, u)
			}
		}
	}
	return ended, b.Exec(ctx)
}
