package accounts_test

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
)

// leaves has somebody delete their account: they may think again for a while.
func (w *world) leaves() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account := w.whose(session.of)
	if l := w.lives[account]; l.leaves.IsZero() {
		l.leaves = w.now.Add(w.CoolingOff)
	}
	until, err := w.Delete(w.Context(), account)
	w.must(err)
	if want := w.lives[account].leaves; !until.Equal(want) {
		w.Errorf("%s leaves %s, want %s", account, until, want)
	}
	return fmt.Sprint(account, " leaves")
}

// stays has somebody think again.
func (w *world) stays() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account := w.whose(session.of)
	w.lives[account].leaves = time.Time{}
	w.must(w.Undelete(w.Context(), account))
	return fmt.Sprint(account, " stays")
}

// janitor has everybody erased whose time has come, and nobody else.
func (w *world) janitor() string {
	var due, left []string
	for _, account := range w.people {
		if l := w.lives[account]; !l.erased && l.into == "" && !l.leaves.IsZero() && !l.leaves.After(w.now) {
			due = append(due, account)
		}
	}
	w.exec(w, `UPDATE chores SET due_at = 0`)
	keep := accounts.Retention{SignIns: 10000 * day, Inactive: 10000 * day, Delivered: 30 * day, Lookups: 10000 * day}
	w.must(w.Sweep(w.Context(), keep, func(_ context.Context, account string) error {
		if !w.lives[account].erased { // or it is done once more
			left = append(left, account)
		}
		return nil
	}))
	for _, account := range due {
		w.ends(account)
	}
	slices.Sort(due)
	slices.Sort(left)
	if !slices.Equal(due, left) {
		w.Errorf("%q are erased, want %q", left, due)
	}
	if len(due) > 0 {
		w.deputies()
	}
	return fmt.Sprintf("the janitor erases %q", due)
}
