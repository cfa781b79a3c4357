package accounts_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// isRenamed has a provider give a list of who is who now.
func (w *world) isRenamed() string {
	var list []accounts.Rename
	for line := range 1 + w.IntN(3) {
		list = append(list, accounts.Rename{Line: line + 1, Old: w.name(), New: w.name()})
	}
	return w.rekeys(list)
}

// provesAnew has an operator find out who is who by what people have proved since the
// provider knows them by other names.
func (w *world) provesAnew() string {
	since := w.now.Add(-time.Duration(w.IntN(8)) * 2 * day)
	list, conflicts, err := w.RenamesSince(w.Context(), "google", since)
	w.must(err)
	want, unclear := w.renewed("google", since)
	slices.SortFunc(list, inOrder)
	if diff := cmp.Diff(want, list); diff != "" || len(conflicts) != unclear {
		w.Errorf("%d conflicts, want %d; renames (-want +got):\n%s", len(conflicts), unclear, diff)
	}
	if len(list) == 0 {
		return fmt.Sprint("nobody has proved anything anew since ", since)
	}
	return w.rekeys(list)
}

// renewed are those who came by one new way in, in place of one that they do not use
// any more; and of how many accounts it is not clear which is which, or whose.
func (w *world) renewed(connector string, since time.Time) (list []accounts.Rename, unclear int) {
	old, now := map[string][]accounts.Name{}, map[string][]accounts.Name{}
	for _, name := range w.names() {
		way := w.ways[name]
		account := w.whose(way.of)
		switch {
		case way.connector != connector:
		case !way.created.Before(since):
			now[account] = append(now[account], name)
		case way.used.Before(since):
			old[account] = append(old[account], name)
		}
	}
	for account, was := range old {
		is := now[account]
		switch {
		case len(is) == 0:
		case len(was) > 1 || len(is) > 1 || !w.ways[is[0]].inherit.AtLeast(w.own(w.ways[was[0]])):
			unclear++
		default:
			list = append(list, accounts.Rename{Old: was[0], New: is[0]})
		}
	}
	slices.SortFunc(list, inOrder)
	return list, unclear
}

func inOrder(a, b accounts.Rename) int {
	return strings.Compare(a.Old.Issuer+a.Old.Subject, b.Old.Issuer+b.Old.Subject)
}

// own is what a way in proves by itself.
func (w *world) own(by *way) (all mapping.Assurance) {
	for _, p := range by.proofs {
		if by.leads() && p.valid(w.now) {
			all = all.Join(p.level)
		}
	}
	return all
}

// rekeys has an operator give ways in their new names, all or none.
func (w *world) rekeys(list []accounts.Rename) string {
	want := w.renames(list)
	got, err := w.Rekey(w.Context(), "google", list, accounts.Lookup{Officer: "m.jones", Reason: "they moved"}, false)
	w.must(err)
	if got := (renaming{got.Renamed, got.United, got.Unknown, len(got.Conflicts)}); got != want {
		w.Errorf("%v comes to %+v, want %+v", list, got, want)
	}
	return fmt.Sprintf("a provider renames %v: %+v", list, want)
}

// renaming is how many ways in get a new name, become one with another, or are
// unknown, and what is in the way.
type renaming struct{ renamed, united, unknown, conflicts int }

// renames carries out a list, all of it or nothing.
func (o oracle) renames(list []accounts.Rename) (r renaming) {
	olds, news := map[accounts.Name]bool{}, map[accounts.Name]bool{}
	for _, c := range list {
		if olds[c.Old] {
			r.conflicts++
		}
		if news[c.New] {
			r.conflicts++
		}
		olds[c.Old], news[c.New] = true, true
	}
	after := map[accounts.Name]*way{}
	for _, c := range list {
		from, to := o.ways[c.Old], o.ways[c.New]
		switch {
		case from == nil:
			r.unknown++
		case c.Old == c.New:
		case from.connector != "google":
			r.conflicts++
		case to == nil || olds[c.New]:
			r.renamed++
			after[c.New] = from
		case o.whose(to.of) != o.whose(from.of) || to.connector != from.connector || !from.leads() || !to.leads():
			r.conflicts++
		default:
			r.united++
			after[c.New] = from.with(to)
		}
	}
	if r.conflicts > 0 {
		return r
	}
	for _, c := range list {
		if c.Old != c.New {
			delete(o.ways, c.Old)
		}
	}
	maps.Copy(o.ways, after)
	return r
}

// with is another way in that takes over what came by this one.
func (w *way) with(to *way) *way {
	both := *to
	both.of, both.created, both.proofs = slices.Concat(w.of, to.of), w.created, slices.Concat(w.proofs, to.proofs)
	if both.used.Before(w.used) {
		both.used = w.used
	}
	return &both
}
