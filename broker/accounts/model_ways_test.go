package accounts_test

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// name is what some provider may know somebody by.
func (w *world) name() accounts.Name {
	names := [...]string{
		"https://idp.example a", "https://idp.example b", "https://idp.example c", "https://idp.example d",
		"https://new.example a", "https://new.example b", "https://new.example c", "https://new.example d",
		"https://works.example a", "https://works.example b",
	}
	var n accounts.Name
	fmt.Sscan(names[w.IntN(len(names))], &n.Issuer, &n.Subject)
	return n
}

// connectorOf is what leads to a provider. One changed its issuer once.
func connectorOf(n accounts.Name) string {
	if n.Issuer == "https://works.example" {
		return "works"
	}
	return "google"
}

func (w *world) enters() string {
	in := w.signIn(w.name())
	in.Alone = w.IntN(4) > 0
	what, known := w.tries(nameOf(in), " enters"), w.ways[nameOf(in)]
	acc, link, first, err := w.Enter(w.Context(), in)
	switch {
	case known != nil && known.frozen:
		return w.refused(what, err, accounts.ErrFrozen)
	case known == nil && !in.Alone && w.resembled():
		return w.refused(what, err, accounts.ErrResembles)
	}
	w.must(err)
	if first != (known == nil) || known != nil && acc.ID != w.whose(known.of) {
		w.Fatalf("%s %s: first %t", what, acc.ID, first)
	}
	if first {
		if w.lives[acc.ID] != nil {
			w.Fatalf("%s %s, which is not new", what, acc.ID)
		}
		w.people = append(w.people, acc.ID)
		w.lives[acc.ID] = &life{key: acc.SubjectKey, acquaintances: acquaintances{map[string]string{}, map[string]time.Time{}}}
	}
	if known == nil || known.dead {
		w.makes(in, origins{acc.ID}, in.Level, w.now)
	}
	return w.proves(what, in, acc, link)
}

// joins adds a way in to the account of somebody who is signed in.
func (w *world) joins() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	in, inherit := w.signIn(w.name()), w.level()
	account, known := w.whose(session.of), w.ways[nameOf(in)]
	what := w.tries(nameOf(in), " joins ", account)
	acc, link, err := w.Join(w.Context(), account, session.link, in, inherit)
	switch {
	case known != nil && w.whose(known.of) != account:
		return w.refused(what, err, accounts.ErrAnother)
	case known != nil && known.frozen:
		return w.refused(what, err, accounts.ErrFrozen)
	case known == nil && !inherit.AtLeast(w.ever(account)):
		return w.refused(what, err, accounts.ErrUnproven)
	}
	w.must(err)
	if acc.ID != account {
		w.Fatalf("%s, and is in %s", what, acc.ID)
	}
	if known == nil || known.dead {
		w.makes(in, session.of, inherit, w.now)
	}
	return w.proves(what, in, acc, link)
}

// proves takes what a sign-in proves to be known from now on.
func (w *world) proves(what string, in accounts.SignIn, acc accounts.Account, link accounts.Link) string {
	mine := w.ways[nameOf(in)]
	for _, p := range []proved{
		{mapping.Assurance{Identity: in.Level.Identity}, in.IdentityUntil},
		{mapping.Assurance{Residency: in.Level.Residency}, in.ResidencyUntil},
	} {
		if p.valid(w.now) {
			mine.proofs = append(mine.proofs, p)
		}
	}
	if mine.link = link.ID; !slices.Contains(w.links, link.ID) {
		w.links = append(w.links, link.ID)
	}
	w.found(mine, in.Level, acc, link)
	return fmt.Sprintf("%s %s by %s, and proves %s", what, acc.ID, link.ID, in.Level)
}

// found holds what somebody finds who comes by a way in.
func (w *world) found(by *way, now mapping.Assurance, acc accounts.Account, link accounts.Link) {
	got, want := mapping.Effective(now, link.Own, acc.Level, link.Inherit), now
	identity, residency := w.worth(by, now, w.now)
	want.Identity, want.Residency = mapping.Identity(identity), mapping.Residency(residency)
	if got != want {
		w.Errorf("%s with %s is worth %s, want %s", link.ID, now, got, want)
	}
	l := w.lives[acc.ID]
	if !acc.Leaves.Equal(l.leaves) || string(acc.SubjectKey) != string(l.key) {
		w.Errorf("%s leaves %s, want %s; or its key is another", acc.ID, acc.Leaves, l.leaves)
	}
	w.sameToApps(acc)
}

// reaches holds what comes of entering an account by a link, which may never have led
// there.
func (w *world) reaches(account, link string) (accounts.Account, bool) {
	acc, found, err := w.Reenter(w.Context(), account, link)
	var by *way
	for _, way := range w.ways {
		if way.link == link && w.whose(way.of) == account {
			by = way
		}
	}
	if err == nil && by != nil && by.leads() {
		w.found(by, mapping.Assurance{Authenticator: mapping.Cm}, acc, found)
		return acc, true
	}
	want := accounts.ErrNotFound
	if by != nil && by.frozen {
		want = accounts.ErrFrozen
	}
	if !errors.Is(err, want) || by != nil && by.leads() {
		w.Errorf("%s is entered by %s: %v", account, link, err)
	}
	return accounts.Account{}, false
}

// trespasses has somebody try any way in at any account, of those that there are or
// ever were.
func (w *world) trespasses() string {
	if len(w.links) == 0 {
		return ""
	}
	account, link := pick(w, w.people), pick(w, w.links)
	w.reaches(account, link)
	return account + " is tried by " + link
}

// isTold has a provider tell something of somebody.
func (w *world) isTold() string {
	name := w.name()
	in, known := signIn(name.Issuer, name.Subject), w.ways[name]
	tellings := [...]telling{freeze(w, in, "hijacking"), unlink(w, in), thaw(w, in), thaw(w, in)}
	what := w.IntN(len(tellings))
	_, err := tellings[what](w.node)
	if known == nil {
		return w.refused(fmt.Sprint(name, " is told of"), err, accounts.ErrUnknownLink)
	}
	w.must(err)
	switch what {
	case 0:
		known.frozen = true
		return fmt.Sprint(name, " is frozen")
	case 1:
		known.dead, known.proofs = true, nil
		return fmt.Sprint(name, " is dead")
	}
	known.frozen = false
	return fmt.Sprint(name, " is thawed")
}

// removes has somebody name a way in to their account, and remove it.
func (w *world) removes() string {
	session, ok := w.session()
	if !ok {
		return ""
	}
	account := w.whose(session.of)
	of := w.oracle.of(account)
	name := pick(w, of)
	what, link := w.tries(name, " is removed from ", account), w.ways[name].link
	w.must(w.Accounts.Name(w.Context(), account, link, "this one goes"))
	err := w.Remove(w.Context(), account, session.link, link)
	switch {
	case w.usable(account, name) == 0:
		return w.refused(what, err, accounts.ErrLast)
	case session.link != link && w.lastOfOther(name):
		return w.refused(what, err, accounts.ErrLastOfOther)
	}
	w.must(err)
	delete(w.ways, name)
	return what
}
