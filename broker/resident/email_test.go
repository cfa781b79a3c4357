package resident_test

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/test/mailbox"
)

// code is the code in the last letter to an address.
func code(b *bed, address string) string {
	b.Helper()
	letters := b.post.Letters(address)
	if len(letters) == 0 {
		b.Fatalf("there is no letter")
	}
	return found(b, letters[len(letters)-1].Body, `(?m)^ +(\d{4} \d{4})$`)
}

// An address is kept when the code that was sent to it was typed, and vouched for.
func TestEmail(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	for _, typed := range []string{"", "jo", "jo@", "jo@example", "Jo <jo@new.example.org>", "a@b.org, c@d.org", "a@b.org\nBcc: c@d.org"} {
		w.post("/my/details/email", "said", typed).objects(t, "Enter an email address in the right format")
	}
	p := w.post("/my/details/email", "said", " new@example.org ")
	p.shows(t, "Enter the code", "new@example.org")
	if claimsOf(b, who)["email"] != "jo@example.org" {
		t.Error("the address counts before it was shown to be read")
	}
	w.node = 1
	p = w.post(p.at.String(), "code", "0000 0000")
	p.objects(t, "This is not the code that we sent")
	digits := code(b, "new@example.org")
	w.post(p.at.String(), "code", strings.ReplaceAll(digits, " ", "-")).shows(t, "checked and saved", "new@example.org")
	if claims := claimsOf(b, who); claims["email"] != "new@example.org" || claims["email_verified"] != true {
		t.Errorf("known of them: %v", claims)
	}
	w.post(p.at.String(), "code", digits).objects(t, "too old, was used or was guessed at too often")

	// Whoever changes it next, the old address hears of it.
	p = w.post("/my/details/email", "said", "newer@example.org")
	w.post(p.at.String(), "code", code(b, "newer@example.org"))
	var address string
	b.must(b.sql.QueryRow(t.Context(), `SELECT address FROM outbox WHERE address <> '' AND kind = 'notice'`).Scan(&address))
	if address != "new@example.org" {
		t.Errorf("told at %q", address)
	}
	w.post("/my/details/email", "unsay", "yes").shows(t, "is deleted")
	if claimsOf(b, who)["email"] != "jo@example.org" {
		t.Error("the address was not forgotten")
	}
}

// A code serves once, for a while, in the session that asked; and is not guessed.
func TestEmailCodes(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	asked := func() (string, string) {
		p := w.post("/my/details/email", "said", "new@example.org")
		p.shows(t, "Enter the code")
		return p.at.String(), code(b, "new@example.org")
	}
	const spent = "too old, was used or was guessed at too often"

	at, digits := asked()
	other := b.browser()
	other.signIn("weak", "thief", "Cl")
	other.post(at, "code", digits).objects(t, spent)
	w.post(at, "code", digits).objects(t, spent) // whoever tried has used it up

	at, digits = asked()
	for range 4 {
		w.post(at, "code", "1234567x").objects(t, "This is not the code")
	}
	w.post(at, "code", "1234567x").objects(t, spent)
	w.post(at, "code", digits).objects(t, spent)

	at, digits = asked()
	b.pass(10 * time.Minute)
	w.post(at, "code", digits).objects(t, spent)
	w.get(at[:strings.Index(at, "?")]).objects(t, spent)

	at, digits = asked()
	wins, all := make(chan bool, 10), sync.WaitGroup{}
	for i := range 10 {
		one := *w
		one.node = i % 2
		all.Go(func() {
			answer := one.request(http.MethodPost, at, map[string][]string{"code": {digits}})
			answer.Body.Close()
			wins <- answer.Header.Get("Location") == "/my/details"
		})
	}
	all.Wait()
	close(wins)
	n := 0
	for won := range wins {
		if won {
			n++
		}
	}
	if n != 1 {
		t.Errorf("of ten %d redeemed the code", n)
	}

	for range 2 {
		asked()
	}
	w.post("/my/details/email", "said", "new@example.org").objects(t, "You have asked for many codes")
	w.post("/my/details/email", "said", "another@example.org").objects(t, "You have asked for many codes")
	other.post("/my/details/email", "said", "New+bins@example.org").objects(t, "You have asked for many codes")
}

func TestEmailWithoutMail(t *testing.T) {
	b := open(t)
	w := b.browser()
	w.signIn("weak", "jo", "Cl")
	b.post.Refuse(mailbox.Nobody)
	w.post("/my/details/email", "said", "new@example.org").objects(t, "The code could not be sent")
	b.pages[0].Post = nil
	w.post("/my/details/email", "said", "new@example.org").objects(t, "The code could not be sent")
}
