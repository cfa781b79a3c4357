package login_test

import (
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
)

// Officers merge and take apart by a command, in which there are no sessions: a node
// ends those that lead nowhere since, or elsewhere.
func TestOfficersMergeEndsSessions(t *testing.T) {
	b := newBed(t)
	officers := accounts.Open(b.sql, b.now, b.cap)
	officers.UndoTime = time.Hour
	officers.Sector = b.flows[0].Accounts.Sector
	alice, twin, bob := b.browser(), b.browser(), b.browser()
	alice.signIn("tax", b.works, "alice")
	kept := b.front.issued().Account.ID
	twin.signIn("tax", b.works, "twin")
	absorbed := b.front.issued().Account.ID
	bob.signIn("tax", b.works, "bob")

	id, err := officers.Propose(t.Context(), kept, absorbed, "one", "test")
	b.must(err)
	b.must(officers.Approve(t.Context(), id, "two"))
	b.must(b.flows[1].EndOver(t.Context()))
	if !alice.signedIn() || twin.signedIn() || !bob.signedIn() {
		t.Errorf("merged: %v, %v, %v", alice.signedIn(), twin.signedIn(), bob.signedIn())
	}
	twin.signIn("tax", b.works, "twin")
	b.must(officers.ProposeUndo(t.Context(), id, "one", "test"))
	_, err = officers.ApproveUndo(t.Context(), id, "two")
	b.must(err)
	b.must(b.flows[1].EndOver(t.Context()))
	if alice.signedIn() || twin.signedIn() || !bob.signedIn() {
		t.Errorf("taken apart: %v, %v, %v", alice.signedIn(), twin.signedIn(), bob.signedIn())
	}
}

// When a delegation is over, its apps are told to sign the delegate out.
func TestDelegationThatRunsOutIsTold(t *testing.T) {
	c := newCarers(t)
	c.front.tell("care", way{tell: obeys})
	d := c.names(c.mum, c.ann, "care")
	one := c.browser()
	c.answer(one, c.asks(one, "care"), d.ID).mustLead(t, "https://care.example/in?person=mum")
	expire := func() {
		c.must(c.flows[0].Accounts.Expire(t.Context()))
		c.must(c.flows[1].EndOver(t.Context()))
	}
	expire()
	if told := c.front.toldApps(); len(told) > 0 {
		t.Fatalf("told %v before its time", told)
	}
	c.pass(d.Until.Sub(c.now()))
	expire()
	if told := c.front.toldApps(); len(told) != 1 {
		t.Errorf("told %v", told)
	}
}
