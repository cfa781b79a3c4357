package login

import (
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/councilid/councilid/broker/store"
)

// What a resident withdraws is over for apps at once, on every node: first nothing
// new is issued under it, then refresh tokens end, then what sessions hold. Whoever
// signs in meanwhile is found by one of these.

// StopSharing ends that an app uses the account: what the resident agreed to is
// withdrawn, and the app loses its tokens and is told to sign the resident out, as
// are those who act for them there. Sessions go on with other apps.
func (f *Flow) StopSharing(ctx context.Context, account, app string) (Receipt, error) {
	ctx = context.WithoutCancel(ctx)
	ended, err := f.Accounts.Withdraw(ctx, account, app)
	if err != nil {
		return Receipt{}, err
	}
	own := func(u Use) bool { return u.App == app && u.Delegation == "" }
	given, _, err := f.Accounts.Delegations(ctx, account)
	if err != nil {
		return Receipt{}, err
	}
	if err := f.lapse(ctx, ended, Withdrawal{Account: account, App: app}); err != nil {
		return Receipt{}, err
	}
	var all Receipt
	errs := []error{f.endUses(ctx, &all, sessionsIndex, account, own)}
	for _, d := range given {
		errs = append(errs, f.endUses(ctx, &all, actingIndex, d.ID, func(u Use) bool { return u.App == app && u.Delegation == d.ID }))
	}
	return all, errors.Join(errs...)
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
func (f *Flow) endActing(ctx context.Context, id string) (all Receipt, err error) {
	if err := f.lapse(ctx, []string{id}, Withdrawal{Delegation: id}); err != nil {
		return Receipt{}, err
	}
	err = f.endUses(ctx, &all, actingIndex, id, func(u Use) bool { return u.Delegation == id })
	return all, err
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
	return errors.Join(append(errs, f.lapse(ctx, nil, Withdrawal{Account: account}))...)
}

// lapse lets nothing be issued any more that rests on consents or delegations of
// those ids, and ends what front ends keep under what. That does not wait for Redis:
// what may be used for months is kept in SQL.
func (f *Flow) lapse(ctx context.Context, ids []string, what Withdrawal) error {
	b := f.Store.Batch()
	for _, id := range ids {
		endedTable.Put(b, endedHandle(id), true, endedTime)
	}
	errs := []error{b.Exec(ctx)}
	for _, protocol := range slices.Sorted(maps.Keys(f.FrontEnds)) {
		errs = append(errs, f.FrontEnds[protocol].Withdraw(ctx, what))
	}
	return errors.Join(errs...)
}

// endUses ends some uses of the sessions that an index has under a key, and tells
// their apps from server to server.
func (f *Flow) endUses(ctx context.Context, all *Receipt, index store.Index, key string, which func(Use) bool) error {
	b := f.Store.Batch()
	members := index.Members(b, key)
	if err := b.Exec(ctx); err != nil {
		return err
	}
	sids, _ := members.Value()
	ledgers := make([]*store.Reply[[]string], len(sids))
	for i, sid := range sids {
		ledgers[i] = useIndex.Members(b, sid)
	}
	if err := b.Exec(ctx); err != nil {
		return err
	}
	var ended []Use
	for i, sid := range sids {
		entries, _ := ledgers[i].Value()
		uses, err := readLedger(entries)
		if err != nil {
			return err
		}
		for j, u := range uses {
			if front, ok := f.FrontEnds[u.Protocol]; ok && which(u) {
				front.End(b, u)
				useIndex.Remove(b, sid, entries[j])
				ended = append(ended, u)
			}
		}
	}
	if err := b.Exec(ctx); err != nil {
		return err
	}
	bye := farewell{}
	f.tell(ctx, &bye, ended)
	f.giveUp(ctx, &bye)
	all.add(bye.Receipt)
	return nil
}
