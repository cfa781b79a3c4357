package accounts_test

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// mumAndAnn are a resident and somebody who may act for them with tax and library, for a
// month.
func mumAndAnn(t *testing.T, n node) (mum, ann accounts.Account, d accounts.Delegation) {
	t.Helper()
	mum, ann = resident(t, n, "mum"), resident(t, n, "ann")
	d = accept(t, n, ann.ID, invite(t, n, mum.ID, 30*day, "tax", "library", "tax"))
	return mum, ann, d
}

func resident(t *testing.T, n node, name string) accounts.Account {
	t.Helper()
	in := signIn("https://idp.example", name)
	in.Said = mapping.Statement{Claims: mapping.Claims{"name": name}}
	acc, _, _ := enter(t, n, in)
	return acc
}

func invite(t *testing.T, n node, account string, for_ time.Duration, apps ...string) string {
	t.Helper()
	code, _, err := n.Invite(t.Context(), account, "", apps, noon.Add(for_), "my daughter")
	if err != nil {
		t.Fatal(err)
	}
	return code
}

func accept(t *testing.T, n node, account, code string) accounts.Delegation {
	t.Helper()
	d, err := n.Accept(t.Context(), account, "", code)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// principals are those for whom somebody may act.
func principals(t *testing.T, n node, account, app string) []string {
	t.Helper()
	all, err := n.ActsFor(t.Context(), account, app)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, d := range all {
		ids = append(ids, d.Principal)
	}
	return ids
}

func TestDelegation(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, d := mumAndAnn(t, n)
		if diff := cmp.Diff([]string{"library", "tax"}, d.Apps); diff != "" || d.Principal != mum.ID || d.Delegate != ann.ID || d.Label != "my daughter" {
			t.Errorf("accepted %+v", d)
		}
		for app, want := range map[string][]string{"tax": {mum.ID}, "library": {mum.ID}, "parking": nil} {
			if diff := cmp.Diff(want, principals(t, n, ann.ID, app)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", app, diff)
			}
		}
		if got := principals(t, n, mum.ID, "tax"); got != nil {
			t.Errorf("the principal acts for %v", got)
		}
		// Both see it.
		given, _, err := n.Delegations(t.Context(), mum.ID)
		if err != nil || len(given) != 1 || cmp.Diff(d, given[0]) != "" {
			t.Errorf("the principal sees %+v, %v", given, err)
		}
		_, received, err := n.Delegations(t.Context(), ann.ID)
		if err != nil || len(received) != 1 || cmp.Diff(d, received[0]) != "" {
			t.Errorf("the delegate sees %+v, %v", received, err)
		}
		_, theirs, err := n.Delegation(t.Context(), d.ID, "library")
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(mum, theirs, butWords); diff != "" {
			t.Errorf("the principal (-as they are +as the delegate's session has them):\n%s", diff)
		}
	})
}

// What was delegated is no part of the delegate's account: nobody gets it from them.
func TestNothingIsDelegatedTwice(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, _ := mumAndAnn(t, n)
		bob := resident(t, n, "bob")
		accept(t, n, bob.ID, invite(t, n, ann.ID, 30*day, "tax"))
		if diff := cmp.Diff([]string{ann.ID}, principals(t, n, bob.ID, "tax")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if got := principals(t, n, mum.ID, "tax"); got != nil {
			t.Errorf("the principal acts for %v", got)
		}
	})
}

func TestInvitation(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, bob := resident(t, n, "mum"), resident(t, n, "ann"), resident(t, n, "bob")
		fails := func(what string, n node, account, code string, want error) {
			t.Helper()
			if _, err := n.Accept(t.Context(), account, "", code); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		code := invite(t, n, mum.ID, 30*day, "tax")
		for _, row := range n.dump(t, `SELECT * FROM delegations`) {
			if strings.Contains(row, code) || strings.Contains(row, strings.ReplaceAll(code, "-", "")) {
				t.Error("the code is kept")
			}
		}
		fails("nobody's code", n, ann.ID, "AAAA-BBBB-CCCC-DDDD", accounts.ErrInvitation)
		fails("no code", n, ann.ID, "", accounts.ErrInvitation)
		fails("one's own code", n, mum.ID, code, accounts.ErrOneself)
		fails("a week later", n.at(noon.Add(7*day)), ann.ID, code, accounts.ErrInvitation)
		accept(t, n, ann.ID, " "+strings.ToLower(strings.ReplaceAll(code, "-", " "))+" ")
		fails("a used code", n, bob.ID, code, accounts.ErrInvitation)
		fails("a used code again", n, ann.ID, code, accounts.ErrInvitation)

		short := invite(t, n, mum.ID, day, "tax")
		fails("after its end", n.at(noon.Add(day)), ann.ID, short, accounts.ErrInvitation)
		_, taken, _ := n.Invite(t.Context(), mum.ID, "", []string{"tax"}, noon.Add(day), "")
		if _, err := n.Revoke(t.Context(), mum.ID, taken.ID); err != nil {
			t.Fatal(err)
		}
		frozen := invite(t, n, bob.ID, day, "tax")
		n.exec(t, `UPDATE accounts SET status = 'frozen' WHERE id = $1`, bob.ID)
		fails("of a frozen account", n, ann.ID, frozen, accounts.ErrInvitation)
		fails("by a frozen account", n, bob.ID, short, accounts.ErrFrozen)
		for _, apps := range [][]string{nil, {"tax"}} {
			if _, _, err := n.Invite(t.Context(), mum.ID, "", apps, noon, ""); err == nil {
				t.Errorf("invited to %v for no time", apps)
			}
		}
	})
}

// Of ten who use a code at once, on two nodes, one becomes the delegate.
func TestInvitationIsAcceptedOnce(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum := resident(t, n, "mum")
		code := invite(t, n, mum.ID, day, "tax")
		nodes := []node{n, n.another(t)}
		var wg sync.WaitGroup
		var mu sync.Mutex
		accepted := 0
		for i := range 10 {
			who := resident(t, n, "person"+string(rune('a'+i)))
			wg.Go(func() {
				_, err := nodes[i%2].Accept(t.Context(), who.ID, "", code)
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					accepted++
				case !errors.Is(err, accounts.ErrInvitation):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if given, _, _ := n.Delegations(t.Context(), mum.ID); accepted != 1 || len(given) != 1 {
			t.Errorf("%d accepted, %d delegations", accepted, len(given))
		}
	})
}

func TestRevoke(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, d := mumAndAnn(t, n)
		stranger := resident(t, n, "stranger")
		if _, err := n.Revoke(t.Context(), stranger.ID, d.ID); !errors.Is(err, accounts.ErrNoDelegation) {
			t.Errorf("a stranger revokes: %v", err)
		}
		if got := principals(t, n, ann.ID, "tax"); len(got) != 1 {
			t.Fatal("a stranger has ended it")
		}
		for _, side := range []struct{ who, word string }{{mum.ID, "principal"}, {ann.ID, "delegate"}} {
			d := accept(t, n, ann.ID, invite(t, n, mum.ID, 30*day, "library"))
			ended, err := n.Revoke(t.Context(), side.who, d.ID)
			if err != nil || ended.EndedBy != side.word || !ended.Ended.Equal(noon) {
				t.Errorf("%s: %+v, %v", side.word, ended, err)
			}
			before := everything(t, n)
			if again, err := n.Revoke(t.Context(), mum.ID, d.ID); err != nil || again.EndedBy != side.word {
				t.Errorf("a second time: %+v, %v", again, err)
			}
			if diff := cmp.Diff(before, everything(t, n)); diff != "" {
				t.Errorf("a second time (-once +twice):\n%s", diff)
			}
			if _, _, err := n.Delegation(t.Context(), d.ID, "library"); !errors.Is(err, accounts.ErrWithdrawn) {
				t.Errorf("it still holds: %v", err)
			}
		}
		told := n.dump(t, `SELECT app, payload FROM outbox WHERE kind = 'delegation-revoked' AND app <> ''`)
		if len(told) != 2 || !strings.Contains(told[0], mum.ID) || strings.Contains(told[0], ann.ID) {
			t.Errorf("told %v", told)
		}
		if notices := n.dump(t, `SELECT payload FROM outbox WHERE kind = 'notice' AND payload LIKE '%delegation-ended%'`); len(notices) != 4 {
			t.Errorf("%d notices, want one to each side each time", len(notices))
		}
		if err := n.VerifyAudit(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// Nobody acts for somebody who is kept out, nor when it is over.
func TestDelegationHoldsWhileThePrincipalDoes(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, d := mumAndAnn(t, n)
		if got := principals(t, n.at(d.Until), ann.ID, "tax"); got != nil {
			t.Errorf("after its end the delegate acts for %v", got)
		}
		if _, _, err := n.at(d.Until).Delegation(t.Context(), d.ID, "library"); !errors.Is(err, accounts.ErrWithdrawn) {
			t.Errorf("after its end: %v", err)
		}
		n.exec(t, `UPDATE links SET frozen_at = 1 WHERE account_id = $1`, mum.ID)
		if _, _, err := n.Delegation(t.Context(), d.ID, "library"); !errors.Is(err, accounts.ErrWithdrawn) {
			t.Errorf("while the principal's only way in is frozen: %v", err)
		}
		n.exec(t, `UPDATE links SET frozen_at = NULL WHERE account_id = $1`, mum.ID)
		for _, status := range []string{"frozen", "erased"} {
			n.exec(t, `UPDATE accounts SET status = $1 WHERE id = $2`, status, mum.ID)
			if got := principals(t, n, ann.ID, "tax"); got != nil {
				t.Errorf("acts for a %s account", status)
			}
			if _, _, err := n.Delegation(t.Context(), d.ID, "library"); !errors.Is(err, accounts.ErrWithdrawn) {
				t.Errorf("a %s account: %v", status, err)
			}
		}
	})
}

// Both histories have a sign-in in which somebody acted, and only the delegate's says
// by which way in.
func TestVisitsOfDelegates(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		mum, ann, d := mumAndAnn(t, n)
		links := n.dump(t, `SELECT id FROM links WHERE account_id = $1`, ann.ID)
		link := strings.TrimSuffix(strings.TrimPrefix(links[0], "id="), " ")
		said := mapping.Statement{Claims: mapping.Claims{"name": "Ann Anew"}}
		err := n.Record(t.Context(), []string{"1-0", "2-0"}, []accounts.Visit{
			{Account: mum.ID, Delegation: d.ID, App: "tax", At: noon.Add(time.Hour), Released: []string{"name"}},
			{Account: ann.ID, Link: link, Delegation: d.ID, App: "tax", At: noon.Add(time.Hour), Released: []string{"act"}, Said: said},
		})
		if err != nil {
			t.Fatal(err)
		}
		got := n.dump(t, `SELECT account_id, link_id, delegation_id FROM sign_ins ORDER BY id`)
		want := []string{
			"account_id=" + mum.ID + " link_id= delegation_id=" + d.ID + " ",
			"account_id=" + ann.ID + " link_id=" + link + " delegation_id=" + d.ID + " ",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("sign-ins (-want +got):\n%s", diff)
		}
		names := n.dump(t, `SELECT account_id FROM claims WHERE value = '"Ann Anew"'`)
		if len(names) != 1 || !strings.Contains(names[0], ann.ID) {
			t.Errorf("the delegate's name is said of %v", names)
		}
	})
}
