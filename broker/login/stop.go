package login

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/councilid/councilid/broker/store"
)

// What a resident withdraws is over for apps at once, on every node: first nothing
// new is issued under it, then what sessions hold ends, then refresh tokens. Whoever
// signs in or redeems a code meanwhile is found by one of these, or finds that what
// they began with is gone.

// ending is what is over for apps.
type ending struct {
	bases []string     // on which nothing is issued any more: consents and delegations, by id
	held  []held       // what sessions hold
	kept  []Withdrawal // what front ends keep apart from them
}

// held are some uses of the sessions that an index has under a key.
type held struct {
	index store.Index
	key   string
	which func(Use) bool
}

// StopSharing ends that an app uses the account: what the resident agreed to is
// withdrawn, and the app loses its tokens and is told to sign the resident out, as
// are those who act for them there. Sessions go on with other apps.
func (f *Flow) StopSharing(ctx context.Context, account, app string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
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
		e.held = append(e.held, held{actingIndex, d.ID, func(u Use) bool { return u.App == app && u.Delegation == d.ID }})
	}
	return f.carryOut(ctx, e)
}

// EndDelegation ends a delegation for either side: the delegate's apps lose the
// tokens that they got for the principal, and are told.
func (f *Flow) EndDelegation(ctx context.Context, account, id string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	if _, err := f.Accounts.Revoke(ctx, account, id); err != nil {
		return Receipt{}, err
	}
	return f.endActing(ctx, id)
}

// endActing ends what was issued under a delegation.
func (f *Flow) endActing(ctx context.Context, id string) (Receipt, error) {
	return f.carryOut(ctx, ending{
		bases: []string{id},
		held:  []held{{actingIndex, id, func(u Use) bool { return u.Delegation == id }}},
		kept:  []Withdrawal{{Delegation: id}},
	})
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
		_, err := f.endActing(ctx, d.ID)
		errs = append(errs, err)
	}
	_, err = f.carryOut(ctx, ending{kept: []Withdrawal{{Account: account}}})
	return errors.Join(append(errs, err)...)
}

// carryOut ends e and tells the apps from server to server. What front ends keep does
// not wait for Redis: what may be used for months is kept in SQL.
func (f *Flow) carryOut(ctx context.Context, e ending) (Receipt, error) {
	errs := []error{f.close(ctx, e.bases)}
	var ended []Use
	for _, h := range e.held {
		uses, err := f.endUses(ctx, h)
		ended, errs = append(ended, uses...), append(errs, err)
	}
	for _, protocol := range slices.Sorted(maps.Keys(f.FrontEnds)) {
		for _, what := range e.kept {
			errs = append(errs, f.FrontEnds[protocol].Withdraw(ctx, what))
		}
	}
	bye := farewell{}
	f.tell(ctx, &bye, ended)
	f.giveUp(ctx, &bye)
	return bye.Receipt, errors.Join(errs...)
}

// close lets nothing be issued any more that rests on consents or delegations.
func (f *Flow) close(ctx context.Context, ids []string) error {
	b := f.Store.Batch()
	for _, id := range ids {
		endedTable.Put(b, endedHandle(id), true, endedTime)
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
