package accounts_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// The model lets anything happen to a few people, in any order, for years. An oracle
// says what must come of it: a few maps, in which the rules are written down once more
// and nothing of how they are kept. After each step the two agree on:
//
//   - who reaches which account: nobody who has not proved a way in to it; and nobody
//     acts for somebody who does not let them;
//   - what each is worth, and what apps know them by: that stays, through merges, their
//     undoing and other names at a provider, and is never anybody else's;
//   - what there was before a merge that is undone;
//   - the audit chain.

// seed is that of randomness that a failure can be repeated with.
func seed(t *testing.T) uint64 {
	t.Helper()
	n := uint64(time.Now().UnixNano())
	if given := os.Getenv("COUNCILID_TEST_SEED"); given != "" {
		var err error
		if n, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("COUNCILID_TEST_SEED=%d", n)
	return n
}

// world is a database that things happen to, and the oracle that they happen to as
// well.
type world struct {
	*testing.T
	*rand.Rand
	node
	oracle
	now  time.Time
	head accounts.Head

	people, links []string // that there ever were
	past          []string // what happened
}

func newWorld(t *testing.T, r *rand.Rand, o db.Options) *world {
	w := &world{T: t, Rand: r, oracle: newOracle(), now: noon}
	w.node = connect(t, o)
	w.Accounts = accounts.Open(w.db, func() time.Time { return w.now }, anything)
	w.UndoTime, w.CoolingOff, w.Sector = month, 12*day, sectorOf
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the last of %d steps:\n%s", len(w.past), w.legible(strings.Join(w.past[max(0, len(w.past)-40):], "\n")))
		}
	})
	return w
}

// legible is a text with numbers in place of ids.
func (w *world) legible(text string) string {
	var names []string
	for i, id := range w.people {
		names = append(names, id, fmt.Sprint("account", i))
	}
	for i, id := range w.links {
		names = append(names, id, fmt.Sprint("link", i))
	}
	for i, d := range w.deeds {
		names = append(names, d.id, fmt.Sprint("delegation", i))
	}
	return strings.NewReplacer(names...).Replace(text)
}

// Errorf tells of a fault, and goes on.
func (w *world) Errorf(format string, args ...any) {
	w.Helper()
	w.T.Error(w.legible(fmt.Sprintf(format, args...)))
}

// Name is the test's; ways in have names too.
func (w *world) Name() string { return w.T.Name() }

// TestModel is 10,000 steps, in some worlds: old ones show what adds up, and many show
// what seldom meets.
func TestModel(t *testing.T) {
	const worlds, steps = 10, 1000
	seed := seed(t)
	for i := range uint64(worlds) {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			newWorld(t, rand.New(rand.NewPCG(seed, i)), sqlite(t)).lasts(steps)
		})
	}
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		newWorld(t, rand.New(rand.NewPCG(seed, worlds)), postgres(t)).lasts(steps / 2)
	})
}

// lasts has something happen so many times.
func (w *world) lasts(steps int) {
	for n := range steps {
		w.now = w.now.Add(time.Microsecond)
		before := len(w.past)
		what := w.step()
		w.past = append(w.past[:before], what)
		w.lead()
		if n%10 == 9 {
			w.follow()
		}
		if n%40 == 39 {
			w.census()
		}
		if w.Failed() {
			w.FailNow()
		}
	}
	w.follow()
	w.census()
	if _, err := w.VerifyAuditSince(w.Context(), w.head); err != nil {
		w.Error(err)
	}
}

// chance is something that may happen, and how often it does.
type chance struct {
	weight int
	do     func() string
}

// step does one thing, and says what: something for which somebody is there.
func (w *world) step() (what string) {
	steps := [...]chance{
		{8, w.enters},
		{6, w.joins},
		{3, w.isTold},
		{2, w.removes},
		{2, w.trespasses},
		{5, w.uses},
		{1, w.pins},
		{1, w.takes},
		{1, w.agrees},
		{1, w.withdraws},
		{4, w.merges},
		{5, w.undoes},
		{3, w.timePasses},
		{1, w.leaves},
		{1, w.stays},
		{1, w.janitor},
		{2, w.isRenamed},
		{1, w.provesAnew},
		{2, w.invites},
		{3, w.accepts},
		{4, w.acts},
		{1, w.revokes},
	}
	var all int
	for _, s := range steps {
		all += s.weight
	}
	for what == "" {
		at := w.IntN(all)
		for _, s := range steps {
			if at -= s.weight; at < 0 {
				what = s.do()
				break
			}
		}
	}
	return what
}

// tries notes what is about to happen.
func (w *world) tries(what ...any) string {
	w.past = append(w.past, fmt.Sprint(what...))
	return w.past[len(w.past)-1]
}

func (w *world) timePasses() string {
	w.now = w.now.Add(time.Duration(w.IntN(10)) * 2 * day)
	return "time passes, to " + w.now.Format(time.DateOnly)
}

// refused holds an error to what it must be.
func (w *world) refused(what string, got, want error) string {
	w.Helper()
	if !errors.Is(got, want) {
		w.Errorf("%s: got %v, want %v", what, got, want)
	}
	return what + ": " + want.Error()
}

// must ends it all where something did not go as it had to.
func (w *world) must(err error) {
	w.Helper()
	if err != nil {
		w.Fatal(err)
	}
}

// session is somebody who is signed in, by a way in.
func (w *world) session() (*way, bool) {
	names := slices.DeleteFunc(w.names(), func(n accounts.Name) bool { return !w.ways[n].leads() })
	if len(names) == 0 {
		return nil, false
	}
	return w.ways[pick(w, names)], true
}

// pick is any of some.
func pick[T any](w *world, some []T) T { return some[w.IntN(len(some))] }

// lead holds where all ways in lead to.
func (w *world) lead() {
	type where struct {
		Link, Account, Status string
		Frozen, Dead          bool
	}
	rows, err := w.db.Query(w.Context(), `SELECT l.issuer, l.subject, l.id, l.account_id, a.status, l.frozen_at IS NOT NULL, l.unlinked_at IS NOT NULL
		FROM links l JOIN accounts a ON a.id = l.account_id`)
	w.must(err)
	defer rows.Close()
	got, want := map[accounts.Name]where{}, map[accounts.Name]where{}
	for rows.Next() {
		var n accounts.Name
		var l where
		w.must(rows.Scan(&n.Issuer, &n.Subject, &l.Link, &l.Account, &l.Status, &l.Frozen, &l.Dead))
		got[n] = l
	}
	w.must(rows.Err())
	for n, way := range w.ways {
		want[n] = where{way.link, w.whose(way.of), "active", way.frozen, way.dead}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		w.Errorf("ways in (-want +got):\n%s", diff)
	}
}

// follow holds what was appended to the audit chain since it last looked to what is
// said of it: each entry follows the one before.
func (w *world) follow() {
	rows, err := w.db.Query(w.Context(), `SELECT seq, at, kind, account, actor, detail, previous, hash
		FROM audit WHERE seq > $1 ORDER BY seq`, w.head.Seq)
	w.must(err)
	defer rows.Close()
	for rows.Next() {
		var columns [7]string
		var hash, text string
		w.must(rows.Scan(&columns[0], &columns[1], &columns[2], &columns[3], &columns[4], &columns[5], &columns[6], &hash))
		for _, c := range columns {
			text += fmt.Sprintf("%d:%s,", len(c), c)
		}
		sum := sha256.Sum256([]byte(text))
		w.head.Seq++
		if columns[0] != fmt.Sprint(w.head.Seq) || columns[6] != w.head.Hash || hash != hex.EncodeToString(sum[:]) {
			w.Errorf("entry %d of the audit chain does not follow: %s", w.head.Seq, text)
		}
		w.head.Hash = hash
	}
	w.must(rows.Err())
}

// census looks at everybody.
func (w *world) census() {
	for _, name := range w.names() {
		w.reaches(w.whose(w.ways[name].of), w.ways[name].link)
	}
	w.granted()
	w.deputies()
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
func (w *world) signIn(name accounts.Name) accounts.SignIn {
	in := signIn(name.Issuer, name.Subject)
	in.Connector = connectorOf(name)
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
