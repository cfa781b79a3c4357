package accounts_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// TestEvidenceInAnyOrder replays what three ways in to an account prove, shuffled
// and with repeats: whatever the order, all are worth the same, now and later.
func TestEvidenceInAnyOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(seed(t), 0))
	n := connect(t, sqlite(t))
	w := &world{T: t, Rand: random, now: noon}
	for round := range 8 {
		var ins []accounts.SignIn
		for range 20 {
			ins = append(ins, w.signIn(accounts.Name{Subject: fmt.Sprint(w.IntN(3))}))
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
