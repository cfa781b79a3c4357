package council_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/test/mailbox"
)

// account opens the account page by a code.
func (w *browser) account(address string) page {
	w.Helper()
	p := w.byCode(w.get(w.site+"/council/email/account"), address)
	if p.at.Path != "/council/email/account" {
		w.Fatalf("%d at %s", p.status, p.at)
	}
	return p
}

// accountByPasskey opens it by a passkey.
func (w *browser) accountByPasskey(d *device) page {
	w.Helper()
	p := w.get(w.site + "/council/email/account")
	return w.submit(p, "use-passkey", map[string]string{"credential": d.use(p)})
}

func TestAccountPasskeys(t *testing.T) {
	onEach(t, func(b *bed) {
		first, second, w := b.newDevice(), b.newDevice(), b.browser()
		p := w.account("jo@example.org")
		p = w.submit(p, "make-passkey", map[string]string{"credential": first.make(p), "name": " My \x00\u202e<b>phone "})
		for _, want := range []string{"Your passkey is saved", "My &lt;b&gt;phone", "Added on"} {
			if !strings.Contains(p.body, want) {
				t.Errorf("the page lacks %q", want)
			}
		}
		b.pass(time.Minute)
		if said, _ := b.browser().byPasskey(first); said == nil {
			t.Error("the new passkey does not sign in")
		}
		p = w.submit(p, "make-passkey", map[string]string{"credential": second.make(p)})
		if !strings.Contains(p.body, "Last used on") {
			t.Errorf("%d at %s\n%s", p.status, p.at, p.body)
		}
		p = w.submit(p, "rename-1", map[string]string{"name": " My\x00 tablet "})
		if !strings.Contains(p.body, ">My tablet<") || !strings.Contains(p.body, "My &lt;b&gt;phone") {
			t.Errorf("%d at %s\n%s", p.status, p.at, p.body)
		}
		p = w.submit(p, "remove-0", nil)
		if !strings.Contains(p.body, "The passkey is removed") {
			t.Errorf("%d at %s", p.status, p.at)
		}
		if said, _ := b.browser().byPasskey(first); said != nil {
			t.Error("a passkey that was removed signs in")
		}
		if said, _ := b.browser().byPasskey(second); said == nil {
			t.Error("the other passkey is gone, too")
		}
		if letters := b.post.Wait(t, "jo@example.org", 4); !slices.ContainsFunc(letters, func(l mailbox.Letter) bool {
			return strings.Contains(l.Body, "a passkey was removed")
		}) {
			t.Error("nobody was told of the removal")
		}
	})
}

// Nobody renames somebody else's.
func TestRenameOnesOwnPasskeys(t *testing.T) {
	b := open(t, "")
	d := b.newDevice()
	b.withPasskey(d, "jo@example.org")
	thief := b.browser()
	p := thief.account("thief@example.org")
	p = thief.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)})
	thief.submit(p, "rename-0", map[string]string{"passkey": text(d.id), "name": "Mine"})
	if p := b.browser().accountByPasskey(d); strings.Contains(p.body, "Mine") {
		t.Error("somebody else named the passkey")
	}
}

// Nobody gets more than ten, nor is offered another.
func TestMostPasskeys(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	p := w.account("jo@example.org")
	p = w.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)})
	more := func(n int) {
		_, err := b.sql.Exec(t.Context(), `INSERT INTO council_passkeys (id, user_id, name, credential, bound, sign_count, created_at)
			SELECT id || $1, user_id, name, credential, bound, sign_count, created_at FROM council_passkeys ORDER BY length(id) LIMIT 1`, strings.Repeat("x", n))
		b.must(err)
	}
	for n := range 8 {
		more(n + 1)
	}
	p = w.get(p.at.String())
	if strings.Contains(p.body, `id="full"`) {
		t.Error("nine are the most")
	}
	more(9)
	p = w.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)})
	if !strings.Contains(p.body, "There is a problem") || !strings.Contains(p.body, "You have 10 passkeys") {
		t.Errorf("an eleventh is kept: %d at %s", p.status, p.at)
	}
	if strings.Contains(p.body, `id="make-passkey"`) {
		t.Error("an eleventh is offered")
	}
	if p = w.submit(p, "remove-0", nil); !strings.Contains(p.body, `id="make-passkey"`) {
		t.Error("with nine again, no tenth is offered")
	}
}

// Whoever changes something shuts the other desks: a thief who sits at one is
// turned out.
func TestOneDeskChanges(t *testing.T) {
	b := open(t, "")
	thief, jo := b.browser(), b.browser()
	p := thief.account("jo@example.org")
	q := jo.account("jo@example.org")
	jo.submit(q, "make-passkey", map[string]string{"credential": b.newDevice().make(q)})
	if p = thief.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)}); p.at.Path != "/council/email/sign-in" {
		t.Errorf("the other desk still changes something: %d at %s", p.status, p.at)
	}
}

// Of many who make their first passkey of one code's worth at once, one does.
func TestFirstPasskeysTogether(t *testing.T) {
	onEach(t, func(b *bed) {
		b.browser().signIn("jo@example.org")
		var pages [4]page
		var browsers [4]*browser
		for i := range pages {
			browsers[i] = b.browser()
			browsers[i].node = i % 2
			_, p := browsers[i].start(connectors.Attempt{})
			pages[i] = browsers[i].byCode(p, "jo@example.org")
		}
		var made atomic.Int64
		var all sync.WaitGroup
		for i, w := range browsers {
			all.Go(func() {
				if q := w.submit(pages[i], "make-passkey", map[string]string{"credential": b.newDevice().make(pages[i])}); strings.HasPrefix(q.at.Path, "/callback") {
					made.Add(1)
				}
			})
		}
		all.Wait()
		if made.Load() != 1 {
			t.Errorf("%d passkeys were made on the strength of a code", made.Load())
		}
	})
}

// The account page needs a sign-in of its own, and for a quarter of an hour.
func TestAccountNeedsASignIn(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	w.signIn("jo@example.org") // to an app
	if p := w.get(b.site + "/council/email/account"); p.at.Path != "/council/email/sign-in" {
		t.Fatalf("%d at %s", p.status, p.at)
	}
	p := w.account("jo@example.org")
	b.pass(14 * time.Minute)
	if q := w.get(p.at.String()); q.at.Path != "/council/email/account" {
		t.Errorf("after 14 minutes at %s", q.at)
	}
	b.pass(2 * time.Minute)
	for _, form := range []string{"account/passkeys/remove", "account/address", "account/password/remove"} {
		if q := w.do(http.MethodPost, b.site+"/council/email/"+form, nil); q.at.Path != "/council/email/sign-in" {
			t.Errorf("after 16 minutes %s leads to %s", form, q.at)
		}
	}
}

func TestAccountLeave(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	p := w.account("jo@example.org")
	w.submit(p, "leave", nil)
	if p := w.get(b.site + "/council/email/account"); p.at.Path != "/council/email/sign-in" {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

// Each sign-in gets a desk of its own: a cookie that was planted opens nothing.
func TestAccountCannotBeFixed(t *testing.T) {
	b := open(t, "")
	thief, jo := b.browser(), b.browser()
	thief.account("thief@example.org")
	before := thief.cookie("council-account")
	jo.setCookie("council-account", before)
	p := jo.get(b.site + "/council/email/account")
	if !strings.Contains(p.body, "thief@example.org") {
		t.Fatal("this test plants nothing")
	}
	jo.submit(p, "leave", nil)
	jo.account("jo@example.org")
	if jo.cookie("council-account") == before {
		t.Error("the sign-in kept a cookie that was there before")
	}
}

// Whoever changes how somebody signs in has signed in by the strongest way that
// there is.
func TestWhoMayChange(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	d := b.newDevice()
	b.withPasskey(d, "passkey@example.org")
	b.withPassword("password@example.org")
	b.proven = b.browser().signIn("proven@example.org").Subject
	for _, tt := range []struct {
		name string
		open func(w *browser) page
		may  bool
	}{
		{"a code, who has nothing else", func(w *browser) page { return w.account("code@example.org") }, true},
		{"a code, who has a passkey", func(w *browser) page { return w.account("passkey@example.org") }, false},
		{"a passkey", func(w *browser) page { return w.accountByPasskey(d) }, true},
		{"a code, who has a password", func(w *browser) page { return w.account("password@example.org") }, false},
		{"a password and a code", func(w *browser) page {
			p := w.byPassword(w.get(b.site+"/council/email/account"), "password@example.org", good)
			return w.submit(p, "check", map[string]string{"code": b.post.Code(t, "password@example.org")})
		}, true},
		{"a code, of whom there is evidence", func(w *browser) page { return w.account("proven@example.org") }, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := b.browser()
			p := tt.open(w)
			if got := strings.Contains(p.body, `id="make-passkey"`); got != tt.may {
				t.Errorf("may change is %v: %d at %s", got, p.status, p.at)
			}
			for _, form := range []string{"account/passkeys", "account/passkeys/remove", "account/password", "account/password/remove", "account/address", "account/address/code"} {
				q := w.do(http.MethodPost, b.site+"/council/email/"+form, nil)
				if refused := q.status == http.StatusBadRequest; refused == tt.may {
					t.Errorf("%s: refused is %v", form, refused)
				}
			}
		})
	}
}

// A thief who reads somebody's mail is not offered a passkey of their own.
func TestMailboxMakesNoPasskey(t *testing.T) {
	b := open(t, "")
	b.withPasskey(b.newDevice(), "jo@example.org")
	b.proven = b.browser().signIn("al@example.org").Subject
	for _, address := range []string{"jo@example.org", "al@example.org"} {
		w := b.browser()
		_, p := w.start(connectors.Attempt{Step: "passkey"})
		p = w.byCode(p, address)
		if !strings.Contains(p.body, "needs a stronger sign-in than that") {
			t.Errorf("%s: %d at %s", address, p.status, p.at)
		}
		if p = w.get(b.site + "/council/email/passkey/new?state=" + p.query("state")); p.status != http.StatusBadRequest {
			t.Errorf("%s: may make one all the same: %d", address, p.status)
		}
	}
}

func TestMove(t *testing.T) {
	onEach(t, func(b *bed) {
		w := b.browser()
		before := w.signIn("old@example.org")
		p := w.account("old@example.org")
		p = w.submit(w.get(w.link(p, "move")), "send", map[string]string{"address": "New@example.org"})
		p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "new@example.org")})
		if !strings.Contains(p.body, "Your email address is changed") || !strings.Contains(p.body, "New@example.org") {
			t.Errorf("%d at %s", p.status, p.at)
		}
		if after := b.browser().signIn("new@example.org"); after.Subject != before.Subject || after.Claims["email"] != "New@example.org" {
			t.Errorf("signed in as %v", after.Claims)
		}
		letters := b.post.Wait(t, "old@example.org", 3)
		if last := letters[len(letters)-1]; !strings.Contains(last.Body, "changed to another one") {
			t.Errorf("the old address was told %q", last.Body)
		}
		if other := b.browser().signIn("old@example.org"); other.Subject == before.Subject {
			t.Error("the old address still leads to the account")
		}
	})
}

// Who comes by a passkey shows both addresses.
func TestMoveShowsBothAddresses(t *testing.T) {
	b := open(t, "")
	d, w := b.newDevice(), b.browser()
	b.withPasskey(d, "old@example.org")
	p := w.accountByPasskey(d)
	p = w.submit(w.get(w.link(p, "move")), "send", map[string]string{"address": "new@example.org"})
	if letters := b.post.Letters("new@example.org"); len(letters) > 0 || !strings.Contains(p.body, "old@example.org") {
		t.Fatalf("the new address comes first: %d at %s", p.status, p.at)
	}
	p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "old@example.org")})
	p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "new@example.org")})
	if !strings.Contains(p.body, "Your email address is changed") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

func TestMoveToSomebodyElse(t *testing.T) {
	b := open(t, "")
	b.browser().signIn("taken@example.org")
	w := b.browser()
	p := w.account("jo@example.org")
	p = w.submit(w.get(w.link(p, "move")), "send", map[string]string{"address": "taken@example.org"})
	p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "taken@example.org")})
	if !strings.Contains(p.body, "belongs to another account") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

// Who is at the account page writes to no more addresses than others.
func TestMoveCodesAreLimited(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	p := w.account("jo@example.org")
	p = w.get(w.link(p, "move"))
	for i := range 7 {
		q := w.submit(p, "send", map[string]string{"address": fmt.Sprintf("new-%d@example.org", i)})
		if many := strings.Contains(q.body, "sent many codes"); many != (i == 6) {
			t.Errorf("code %d: refused is %v", i, many)
		}
	}
}

// By another way in to the same account one gets back in, and only to one's own.
func TestRecover(t *testing.T) {
	b := open(t, "")
	lost := b.newDevice()
	b.same = b.withPasskey(lost, "jo@example.org").Subject
	b.browser().signIn("al@example.org")
	w := b.browser()
	p := w.get(b.site + "/council/email/recover")
	for _, address := range []string{"al@example.org", "nobody@example.org"} {
		if q := w.submit(p, "check", map[string]string{"address": address}); !strings.Contains(q.body, "could not match") {
			t.Errorf("%s: %d at %s", address, q.status, q.at)
		}
	}
	// Who reads the letters may have added it, and takes nothing over by it.
	b.weaklyAdded = true
	if q := w.submit(p, "check", map[string]string{"address": "jo@example.org"}); !strings.Contains(q.body, "could not match") {
		t.Errorf("by a way in that a single factor added: %d at %s", q.status, q.at)
	}
	b.weaklyAdded = false
	p = w.submit(p, "check", map[string]string{"address": "JO@example.org"})
	p = w.submit(p, "remove-0", nil)
	d := b.newDevice()
	w.submit(p, "make-passkey", map[string]string{"credential": d.make(p)})
	if said, _ := b.browser().byPasskey(d); said == nil || said.Subject != b.same {
		t.Error("the new passkey does not sign in")
	}
	b.same = ""
	w = b.browser()
	p = w.get(b.site + "/council/email/recover")
	p = w.submit(p, "check", map[string]string{"address": "jo@example.org"})
	if !strings.Contains(p.body, "could not match") {
		t.Errorf("nobody is signed in: %d at %s", p.status, p.at)
	}
	if q := w.get(w.link(p, "back")); q.at.Path != "/council/email/sign-in" {
		t.Errorf("the way back leads to %d at %s", q.status, q.at)
	}
}

// Each change ends the sessions of whoever signed in elsewhere.
func TestChangesEndOtherSessions(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	subject := b.withPasskey(b.newDevice(), "jo@example.org").Subject // as it is offered
	w := b.browser()
	w.account("al@example.org")
	al := b.browser().signIn("al@example.org").Subject
	p := w.get(b.site + "/council/email/account")
	p = w.submit(p, "make-passkey", map[string]string{"credential": b.newDevice().make(p)})
	p = w.submit(p, "rename-0", map[string]string{"name": "Mine"}) // which is no change
	p = w.submit(w.get(w.link(p, "set-password")), "save-password", map[string]string{"password": good, "again": good})
	w.submit(p, "remove-0", nil)
	if want := []string{subject, al, al, al}; !slices.Equal(b.ended, want) {
		t.Errorf("ended those of %v, want %v", b.ended, want)
	}
}
