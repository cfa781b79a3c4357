package login

import (
	"context"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
)

// visitStream carries what each sign-in adds to an account's history, so that
// a returning resident's login writes nothing to SQL.
var visitStream = store.Stream[accounts.Visit]{Name: "visits"}

// catchUp is CatchUp.
func (f *Flow) catchUp(ctx context.Context, of ...string) error {
	return CatchUp(ctx, f.Store, f.Accounts, of...)
}

// CatchUp folds what accounts were visited with and nobody has folded yet, which the
// next who does then finds done. Whoever merges accounts, or takes them apart, goes by
// what is known of them, which includes what has happened just now.
func CatchUp(ctx context.Context, s *store.Store, people *accounts.Accounts, of ...string) error {
	entries, err := visitStream.Waiting(ctx, s)
	if err != nil {
		return err
	}
	var ids []string
	var visits []accounts.Visit
	for _, e := range entries {
		if slices.Contains(of, e.Value.Account) {
			ids, visits = append(ids, e.ID), append(visits, e.Value)
		}
	}
	return people.Record(ctx, ids, visits)
}

// Run folds visits into SQL until ctx ends. Every node may run it.
func (f *Flow) Run(ctx context.Context) error {
	return visitStream.Consume(ctx, f.Store, func(ctx context.Context, entries []store.Entry[accounts.Visit]) error {
		ids := make([]string, len(entries))
		visits := make([]accounts.Visit, len(entries))
		for i, e := range entries {
			ids[i], visits[i] = e.ID, e.Value
		}
		return f.Accounts.Record(ctx, ids, visits)
	})
}
