package accounts_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// seeded is randomness that a failure can be repeated with.
func seeded(t *testing.T) *rand.Rand {
	t.Helper()
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	return rand.New(rand.NewPCG(seed, seed))
}

// The oracle is what ways in are worth, worked out from the rules alone: it keeps
// every proof that there ever was and forgets nothing but what is unlinked.
type oracle map[string]*way // by subject

type way struct {
	account      string
	inherit      mapping.Assurance
	frozen, dead bool
	proofs       []proved
}

type proved struct {
	level mapping.Assurance
	until time.Time // the zero time: for good
}

// makes links a subject to an account, or brings a dead link to life.
func (o oracle) makes(subject, account string, inherit mapping.Assurance) {
	o[subject] = &way{account: account, inherit: inherit}
}

// worth is identity and residency of a sign-in by a subject, each as the highest
// number that some proof gives.
func (o oracle) worth(subject string, now mapping.Assurance, at time.Time) (identity, residency int) {
	if now.Authenticator != mapping.Cm && now.Authenticator != mapping.Ch {
		return 0, 0 // nothing rides on a weak sign-in
	}
	identity, residency = int(now.Identity), int(now.Residency)
	mine := o[subject]
	for other, w := range o {
		if w.account != mine.account || w.frozen || w.dead {
			continue
		}
		for _, p := range w.proofs {
			if !p.until.IsZero() && !at.Before(p.until) {
				continue
			}
			if other == subject { // what it brought itself
				identity, residency = max(identity, int(p.level.Identity)), max(residency, int(p.level.Residency))
				continue
			}
			// What others brought counts as far as it was linked for.
			identity = max(identity, min(int(p.level.Identity), int(mine.inherit.Identity)))
			residency = max(residency, min(int(p.level.Residency), int(mine.inherit.Residency)))
		}
	}
	return identity, residency
}

// ever is all that was proved of an account's person at any time.
func (o oracle) ever(account string) mapping.Assurance {
	var all mapping.Assurance
	for _, w := range o {
		if w.account == account && !w.dead {
			for _, p := range w.proofs {
				all = all.Join(p.level)
			}
		}
	}
	return all
}

// world is a database that things happen to, and the oracle that they happen to as
// well.
type world struct {
	*testing.T
	*rand.Rand
	node
	oracle
	now   time.Time
	links map[string]string // subject to link
	unions
}

// Name is the test's; ways in are named too.
func (w *world) Name() string { return w.T.Name() }

// effect is what a step must do to everybody's worth.
type effect string

const (
	nothing effect = "nothing"
	more    effect = "more, never less"
	less    effect = "less, never more"
)

// step does one thing. It says what, and which effect that has.
func (w *world) step() (string, effect) {
	subject, with := fmt.Sprint("subject", w.IntN(5)), fmt.Sprint("subject", w.IntN(5))
	switch w.IntN(16) {
	case 0, 1, 2, 3:
		return w.enters(w.signIn(subject))
	case 4, 5:
		return w.joins(with, w.signIn(subject))
	case 6, 7:
		return w.uses(subject)
	case 8, 9:
		return w.merges(subject, with)
	case 10, 11:
		return w.undoes()
	case 12:
		return w.removes(subject)
	case 13:
		w.now = w.now.Add(time.Duration(w.IntN(10)) * 2 * day)
		return "time went by, to " + w.now.String(), less
	}
	return w.isTold(subject)
}

// level is any that a provider may prove. Half of them prove nothing of the person.
func (w *world) level() mapping.Assurance {
	a := mapping.Assurance{Authenticator: mapping.Authenticator(w.IntN(4)), Phishing: mapping.Phishing(w.IntN(2))}
	if w.IntN(2) == 0 {
		a.Identity, a.Residency = mapping.Identity(w.IntN(4)), mapping.Residency(w.IntN(2))
	}
	return a
}

// signIn lasts, if not for good, some even days: what is not worth a write because
// it prolongs by less than a day does not come up.
func (w *world) signIn(subject string) accounts.SignIn {
	in := signIn("https://idp.example", subject)
	in.Level, in.At = w.level(), w.now
	in.IdentityUntil, in.ResidencyUntil = w.until(), w.until()
	return in
}

func (w *world) until() time.Time {
	if w.IntN(10) == 0 {
		return time.Time{}
	}
	return w.now.Add(time.Duration(w.IntN(50)) * 2 * day)
}

func (w *world) enters(in accounts.SignIn) (string, effect) {
	acc, link, first, err := w.Enter(w.Context(), in)
	known := w.oracle[in.Subject]
	if known != nil && known.frozen {
		return "a frozen one enters", w.refused(err, accounts.ErrFrozen)
	}
	if err != nil || first != (known == nil) || known != nil && acc.ID != known.account {
		w.Fatalf("%s entered %s: first %t, %v", in.Subject, acc.ID, first, err)
	}
	if known == nil || known.dead {
		w.makes(in.Subject, acc.ID, in.Level)
	}
	return w.proves(in, acc, link)
}

// joins adds a way in to the account that another leads to.
func (w *world) joins(with string, in accounts.SignIn) (string, effect) {
	session, known, inherit := w.oracle[with], w.oracle[in.Subject], w.level()
	if session == nil || session.frozen || session.dead {
		return "nobody is there to be joined", nothing
	}
	acc, link, err := w.Join(w.Context(), session.account, w.links[with], in, inherit)
	if known != nil && known.account != session.account {
		return "one joins another", w.refused(err, accounts.ErrAnother)
	}
	if known != nil && known.frozen {
		return "a frozen one joins", w.refused(err, accounts.ErrFrozen)
	}
	if known == nil && !inherit.AtLeast(w.ever(session.account)) {
		return "one joins who shows too little", w.refused(err, accounts.ErrUnproven)
	}
	if err != nil || acc.ID != session.account {
		w.Fatalf("%s joined %s, not %s: %v", in.Subject, acc.ID, session.account, err)
	}
	if known == nil {
		w.goesWith(w.links[with], link.ID)
	}
	if known == nil || known.dead {
		w.makes(in.Subject, acc.ID, inherit)
	}
	return w.proves(in, acc, link)
}

func (w *world) refused(got, want error) effect {
	if !errors.Is(got, want) {
		w.Fatalf("got %v, want %v", got, want)
	}
	return nothing
}

// proves takes what a sign-in proves to be known from now on.
func (w *world) proves(in accounts.SignIn, acc accounts.Account, link accounts.Link) (string, effect) {
	mine := w.oracle[in.Subject]
	for _, p := range []proved{
		{mapping.Assurance{Identity: in.Level.Identity}, in.IdentityUntil},
		{mapping.Assurance{Residency: in.Level.Residency}, in.ResidencyUntil},
	} {
		if p.until.IsZero() || w.now.Before(p.until) {
			mine.proofs = append(mine.proofs, p)
		}
	}
	w.links[in.Subject] = link.ID
	w.compare(in.Subject, in.Level, acc, link)
	return fmt.Sprintf("%s of %s proved %s until %s and %s, inherits %s",
		in.Subject, acc.ID, in.Level, in.IdentityUntil, in.ResidencyUntil, mine.inherit), more
}

// isTold has a provider tell something of a subject.
func (w *world) isTold(subject string) (string, effect) {
	in, known := signIn("https://idp.example", subject), w.oracle[subject]
	told := [...]telling{freeze(w, in, "hijacking"), unlink(w, in), thaw(w, in), thaw(w, in)}
	what := w.IntN(len(told))
	_, err := told[what](w.node)
	if known == nil {
		return "a stranger is told of", w.refused(err, accounts.ErrUnknownLink)
	}
	if err != nil {
		w.Fatal(err)
	}
	switch what {
	case 0:
		known.frozen = true
		return subject + " is frozen", less
	case 1:
		known.dead, known.proofs = true, nil
		return subject + " is dead", less
	}
	known.frozen = false
	return subject + " is thawed", more
}

// compare holds what the database says of a way in to what the oracle says.
func (w *world) compare(subject string, now mapping.Assurance, acc accounts.Account, link accounts.Link) {
	got, want := mapping.Effective(now, link.Own, acc.Level, link.Inherit), now
	identity, residency := w.worth(subject, now, w.now)
	want.Identity, want.Residency = mapping.Identity(identity), mapping.Residency(residency)
	if got != want {
		w.Errorf("%s with %s is worth %s, want %s", subject, now, got, want)
	}
}

// everybody is what every way in that leads in is worth with a strong sign-in that
// proves nothing new.
func (w *world) everybody() map[string]mapping.Assurance {
	strong, all := mapping.Assurance{Authenticator: mapping.Cm}, map[string]mapping.Assurance{}
	for subject, known := range w.oracle {
		acc, link, err := w.Reenter(w.Context(), known.account, w.links[subject])
		if (err == nil) == (known.frozen || known.dead) {
			w.Fatalf("%s, frozen %t and dead %t: %v", subject, known.frozen, known.dead, err)
		}
		if err == nil {
			w.compare(subject, strong, acc, link)
			w.sameToApps(acc)
			all[subject] = mapping.Effective(strong, link.Own, acc.Level, link.Inherit)
		}
	}
	return all
}

// changed holds what everybody is worth after a step to what they were worth before.
func (w *world) changed(by effect, before, after map[string]mapping.Assurance) {
	for subject, was := range before {
		is, ok := after[subject]
		if ok && (by == more && !is.AtLeast(was) || by == less && !was.AtLeast(is)) {
			w.Errorf("%s was worth %s, and is %s; want %s", subject, was, is, by)
		}
	}
}

// TestModel lets thousands of things happen to a few people, in any order, and
// holds what everybody is worth after each of them to the oracle.
func TestModel(t *testing.T) {
	const worlds, steps = 20, 150
	random := seeded(t)
	for range worlds {
		w := &world{T: t, Rand: random, oracle: oracle{}, links: map[string]string{}, now: noon, unions: newUnions()}
		w.node = connect(t, sqlite(t))
		w.Accounts = accounts.Open(w.db, func() time.Time { return w.now }, anything)
		w.node = merging(w.node)
		before := w.everybody()
		for range steps {
			what, effect := w.step()
			if t.Log(what); effect == nothing {
				continue
			}
			after := w.everybody()
			w.changed(effect, before, after)
			if before = after; t.Failed() {
				t.FailNow()
			}
		}
		if err := w.VerifyAudit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}

// TestEvidenceInAnyOrder replays what three ways in to an account prove, shuffled
// and with repeats: whatever the order, all are worth the same, now and later.
func TestEvidenceInAnyOrder(t *testing.T) {
	random := seeded(t)
	n := connect(t, sqlite(t))
	w := &world{T: t, Rand: random, now: noon}
	for round := range 8 {
		var ins []accounts.SignIn
		for range 20 {
			ins = append(ins, w.signIn(fmt.Sprint(w.IntN(3))))
		}
		var want []string
		for order := range 4 {
			issuer := fmt.Sprintf("https://idp%d.example/%d", round, order)
			got := replay(t, n, issuer, ins)
			if order == 0 {
				want = got
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("(-in order +shuffled):\n%s", diff)
			}
			random.Shuffle(len(ins), func(i, j int) { ins[i], ins[j] = ins[j], ins[i] })
			ins = append(ins, ins[:random.IntN(len(ins))]...)
		}
	}
}

// replay has a new account prove things by three links, and says what all are
// worth at once and as time goes by.
func replay(t *testing.T, n node, issuer string, ins []accounts.SignIn) []string {
	t.Helper()
	base := signIn(issuer, "0")
	acc, _, _ := enter(t, n, base)
	for _, subject := range []string{"1", "2"} {
		base.Subject = subject
		join(t, n, acc.ID, base, "P0.Cl")
	}
	for _, in := range ins {
		in.Issuer = issuer
		enter(t, n, in)
	}
	var worth []string
	for after := time.Duration(0); after <= 100*day; after += 20 * day {
		for _, subject := range []string{"0", "1", "2"} {
			base.Subject = subject
			acc, link, _ := enter(t, n.at(noon.Add(after)), base)
			worth = append(worth, fmt.Sprint(after, subject, acc.Level, link.Own))
		}
	}
	return worth
}
