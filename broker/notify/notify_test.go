package notify_test

import (
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/notify"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/logbook"
	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/servers"
)

// bed is two nodes that notify residents, with a mail server.
type bed struct {
	*testing.T
	sql   *db.DB
	post  *mailbox.Server
	nodes [2]*notify.Notifier
	log   logbook.Log

	mu    sync.Mutex
	clock time.Time
	came  map[string]int // of letters, by outcome
}

func onEach(t *testing.T, test func(b *bed)) {
	t.Run("sqlite", func(t *testing.T) { test(open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})) })
	t.Run("postgres", func(t *testing.T) { test(open(t, db.Options{Postgres: servers.Postgres(t)})) })
}

func open(t *testing.T, o db.Options) *bed {
	t.Helper()
	b := &bed{T: t, post: mailbox.Open(t), came: map[string]int{}, clock: time.Date(2026, 7, 1, 11, 0, 0, 0, time.UTC)}
	var err error
	b.sql, err = db.Open(t.Context(), o)
	b.must(err)
	t.Cleanup(func() { b.sql.Close() })
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	t.Cleanup(func() {
		if strings.Contains(b.log.String(), "example.org") {
			t.Errorf("an address was logged: %s", &b.log)
		}
	})
	post, err := mail.Open(config.Mail{SMTP: b.post.Address, TLS: "none", From: "Strathmore Council <no-reply@strathmore.example>"}, nil, log)
	b.must(err)
	for i := range b.nodes {
		b.nodes[i] = &notify.Notifier{
			DB: b.sql, Accounts: b.people(), Post: post, Council: "Strathmore Council", Site: "login.strathmore.example",
			Languages: []string{"en", "cy", "gd"}, Now: b.now, Log: log, Observe: b.observe,
		}
	}
	return b
}

func (b *bed) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bed) now() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.clock
}

func (b *bed) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.clock = b.clock.Add(d)
}

func (b *bed) observe(outcome string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.came[outcome]++
}

func (b *bed) people() *accounts.Accounts {
	people := accounts.Open(b.sql, b.now, func(string) mapping.Assurance { return mapping.Assurance{Authenticator: mapping.Cl} })
	people.CoolingOff = 14 * 24 * time.Hour
	return people
}

// enter signs somebody in whose provider vouches for an address.
func (b *bed) enter(subject, address string) (accounts.Account, accounts.Link) {
	b.Helper()
	acc, link, _, err := b.people().Enter(b.Context(), signIn(subject, address))
	b.must(err)
	return acc, link
}

func signIn(subject, address string) accounts.SignIn {
	return accounts.SignIn{
		Connector: "google", Issuer: "https://idp.example", Subject: subject, At: time.Now(),
		Said: mapping.Statement{Claims: mapping.Claims{"email": address, "email_verified": true}, Verified: []string{"email"}},
	}
}

// leave leaves a notice.
func (b *bed) leave(id, account, what string) {
	b.Helper()
	_, err := b.sql.Exec(b.Context(), `INSERT INTO outbox (id, kind, app, payload, created_at, due_at) VALUES ($1, 'notice', '', $2, $3, $3)`,
		id, `{"account":"`+account+`","at":"2026-07-01T10:30:00Z","what":"`+what+`"}`, b.now().UnixMicro())
	b.must(err)
}

func (b *bed) work() error { return b.nodes[0].Work(b.Context()) }

func (b *bed) waiting() (n int) {
	b.Helper()
	b.must(b.sql.QueryRow(b.Context(), `SELECT COUNT(*) FROM outbox WHERE delivered_at IS NULL`).Scan(&n))
	return n
}

// settled forgets what the sign-ins of the test left.
func (b *bed) settled() {
	b.Helper()
	_, err := b.sql.Exec(b.Context(), `DELETE FROM outbox`)
	b.must(err)
}

func TestNotice(t *testing.T) {
	onEach(t, func(b *bed) {
		acc, _ := b.enter("jo", "jo@example.org")
		b.settled()
		b.leave("n1", acc.ID, "link-added")
		b.must(b.work())
		b.must(b.work()) // the letter, if not yet
		letters := b.post.Letters("jo@example.org")
		if len(letters) != 1 || b.waiting() != 0 {
			t.Fatalf("%d letters, %d messages wait", len(letters), b.waiting())
		}
		for _, want := range []string{"On 01/07/2026 11:30, another way to sign in was added", "login.strathmore.example", "If it was not you"} {
			if !strings.Contains(letters[0].Body, want) {
				t.Errorf("the letter lacks %q: %s", want, letters[0].Body)
			}
		}
		if letters[0].Subject != "Something was changed in your account with Strathmore Council" {
			t.Errorf("subject %q", letters[0].Subject)
		}
	})
}

// A letter comes in the language that the resident chose, whatever a provider says.
func TestLanguage(t *testing.T) {
	b := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
	acc, _ := b.enter("jo", "jo@example.org")
	b.must(b.people().Say(t.Context(), acc.ID, mapping.Statement{Claims: mapping.Claims{"locale": "cy"}}))
	b.settled()
	b.leave("n1", acc.ID, "link-added")
	b.must(b.work())
	b.must(b.work())
	if letters := b.post.Letters("jo@example.org"); len(letters) != 1 || !strings.Contains(letters[0].Body, "ychwanegwyd") {
		t.Errorf("letters: %v", letters)
	}
}

// Whoever has got hold of one way in is not the only one to hear of it. Where mail
// does not arrive, or the way in leads in no more, none is sent.
func TestEveryAddressIsTold(t *testing.T) {
	onEach(t, func(b *bed) {
		acc, _ := b.enter("one", "one@example.org")
		for _, subject := range []string{"two", "frozen", "silent"} {
			_, _, err := b.people().Join(t.Context(), acc.ID, "", signIn(subject, subject+"@example.org"), mapping.Assurance{})
			b.must(err)
		}
		_, err := b.people().Freeze(t.Context(), "https://idp.example", "frozen", "hijacked")
		b.must(err)
		_, err = b.people().Undeliverable(t.Context(), "https://idp.example", "silent", "relay off")
		b.must(err)
		b.must(b.people().Say(t.Context(), acc.ID, mapping.Statement{
			Claims: mapping.Claims{"email": "own@example.org", "email_verified": true}, Verified: []string{"email"},
		}))
		b.settled()
		b.leave("n1", acc.ID, "link-added")
		b.must(b.work())
		b.must(b.work())
		for address, want := range map[string]int{"one": 1, "two": 1, "own": 1, "frozen": 0, "silent": 0} {
			if got := len(b.post.Letters(address + "@example.org")); got != want {
				t.Errorf("%s: %d letters, want %d", address, got, want)
			}
		}
	})
}

// The address of a way in that was removed is told, too.
func TestAddressOfTheNotice(t *testing.T) {
	b := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
	acc, link := b.enter("old", "old@example.org")
	_, _, err := b.people().Join(t.Context(), acc.ID, "", signIn("new", "new@example.org"), mapping.Assurance{})
	b.must(err)
	b.settled()
	b.must(b.people().Remove(t.Context(), acc.ID, "", link.ID))
	b.must(b.work())
	b.must(b.work())
	for _, address := range []string{"old@example.org", "new@example.org"} {
		if got := len(b.post.Letters(address)); got != 1 {
			t.Errorf("%s: %d letters", address, got)
		}
	}
}

// What the server does not take is tried again, later and later, and given up at
// last, which operators see.
func TestTriesAgain(t *testing.T) {
	onEach(t, func(b *bed) {
		acc, _ := b.enter("jo", "jo@example.org")
		b.settled()
		b.post.Refuse(mailbox.Later)
		b.leave("n1", acc.ID, "link-added")
		for range 200 {
			b.must(b.work())
			b.pass(time.Hour)
		}
		if b.waiting() != 1 {
			t.Errorf("%d wait", b.waiting())
		}
		if diff := cmp.Diff(map[string]int{"waits": 9, "given_up": 1}, b.came); diff != "" {
			t.Errorf("tries (-want +got):\n%s", diff)
		}
		b.settled()
		b.leave("n2", acc.ID, "link-added")
		b.must(b.work())
		b.must(b.work())
		b.post.Refuse("")
		b.must(b.work())
		if len(b.post.Letters("jo@example.org")) != 0 {
			t.Error("the letter did not wait")
		}
		b.pass(time.Hour)
		b.must(b.work())
		if got := len(b.post.Letters("jo@example.org")); got != 1 {
			t.Errorf("%d letters", got)
		}
	})
}

// letters leaves letters to addresses, due one after another.
func (b *bed) letters(addresses ...string) {
	b.Helper()
	for _, address := range addresses {
		_, err := b.sql.Exec(b.Context(), `INSERT INTO outbox (id, kind, app, address, payload, created_at, due_at)
			VALUES ($1, 'letter', '', $2, '{"what":"link-added","language":"en"}', $3, $3)`, rand.Text(), address, b.now().UnixMicro())
		b.must(err)
		b.pass(time.Millisecond)
	}
}

// Where nobody is, nobody is looked for again, and others get their letters at once; as
// they do when somebody's mailbox is to be tried later.
func TestOneMailboxKeepsNobody(t *testing.T) {
	onEach(t, func(b *bed) {
		b.post.RefuseTo("gone@example.org", mailbox.Nobody)
		b.post.RefuseTo("full@example.org", mailbox.Later)
		const gone, full = "gone@example.org", "full@example.org"
		b.letters(gone, gone, gone, gone, "jo@example.org", full, full, "al@example.org", gone, full, "no address")
		b.must(b.work())
		for _, address := range []string{"jo@example.org", "al@example.org"} {
			if got := len(b.post.Letters(address)); got != 1 {
				t.Errorf("%d letters to %s", got, address)
			}
		}
		if diff := cmp.Diff(map[string]int{"refused": 6, "waits": 3, "sent": 2}, b.came); diff != "" {
			t.Errorf("what came of them (-want +got):\n%s", diff)
		}
		if said := b.log.String(); strings.Count(said, "outcome=refused") != 6 {
			t.Errorf("logged: %s", said)
		}
		b.post.RefuseTo(full, "")
		for range 200 {
			b.pass(time.Hour)
			b.must(b.work())
		}
		if diff := cmp.Diff(map[string]int{"refused": 6, "waits": 3, "sent": 5}, b.came); diff != "" {
			t.Errorf("and afterwards (-want +got):\n%s", diff)
		}
	})
}

// A server that is away is asked less and less often, however much there is to send,
// and gets every letter once it is back.
func TestServerAway(t *testing.T) {
	onEach(t, func(b *bed) {
		b.post.Refuse(mailbox.Later)
		var all []string
		for i := range 20 {
			all = append(all, fmt.Sprintf("jo-%d@example.org", i))
		}
		b.letters(all...)
		if err := b.work(); !errors.Is(err, mail.ErrNotSent) {
			t.Errorf("the server takes nothing: %v", err)
		}
		if got := b.came["waits"]; got != 3 {
			t.Errorf("%d letters were tried", got)
		}
		b.must(b.work())
		if got := b.came["waits"]; got != 3 {
			t.Error("the server is not left alone")
		}
		for range 12 * 60 { // an hour, every five seconds
			b.pass(5 * time.Second)
			_ = b.work()
		}
		if got := b.came["waits"]; got < 20 || got > 60 {
			t.Errorf("%d letters were tried in an hour", got)
		}
		b.post.Refuse("")
		for range 48 {
			b.pass(time.Hour)
			b.must(b.work())
		}
		for _, address := range all {
			if got := len(b.post.Letters(address)); got != 1 {
				t.Errorf("%d letters to %s", got, address)
			}
		}
	})
}

// Of many nodes one hands a letter over.
func TestOneNodeSends(t *testing.T) {
	onEach(t, func(b *bed) {
		acc, _ := b.enter("jo", "jo@example.org")
		b.settled()
		for _, id := range []string{"a", "b", "c", "d", "e"} {
			b.leave(id, acc.ID, "link-added")
		}
		for range 3 {
			var all sync.WaitGroup
			for _, n := range b.nodes {
				for range 3 {
					all.Go(func() {
						if err := n.Work(t.Context()); err != nil {
							t.Error(err)
						}
					})
				}
			}
			all.Wait()
		}
		if got := len(b.post.Letters("jo@example.org")); got != 5 {
			t.Errorf("%d letters, want 5", got)
		}
	})
}

// Whoever dies with a letter in their hands leaves it to others.
func TestLeaseEnds(t *testing.T) {
	b := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
	acc, _ := b.enter("jo", "jo@example.org")
	b.settled()
	b.leave("n1", acc.ID, "link-added")
	_, err := b.sql.Exec(t.Context(), `UPDATE outbox SET due_at = $1, tries = 1`, b.now().Add(2*time.Minute).UnixMicro())
	b.must(err)
	b.must(b.work())
	if b.waiting() != 1 {
		t.Fatal("a message was taken that is another node's")
	}
	b.pass(3 * time.Minute)
	b.must(b.work())
	b.must(b.work())
	if got := len(b.post.Letters("jo@example.org")); got != 1 {
		t.Errorf("%d letters", got)
	}
}

// Without mail, and where nobody knows an address, nothing piles up.
func TestNobodyToTell(t *testing.T) {
	b := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
	acc, _ := b.enter("jo", "jo@example.org")
	b.settled()
	b.leave("n1", acc.ID, "link-added")
	b.leave("n2", "gone", "link-added")
	b.nodes[0].Post = nil
	b.must(b.work())
	b.must(b.work())
	if b.waiting() != 0 || len(b.post.Letters("jo@example.org")) != 0 {
		t.Errorf("%d messages wait", b.waiting())
	}
}

// Messages to apps are not for residents.
func TestAppsMessagesStay(t *testing.T) {
	b := open(t, db.Options{SQLite: filepath.Join(t.TempDir(), "test.db")})
	_, err := b.sql.Exec(t.Context(), `INSERT INTO outbox (id, kind, app, payload, created_at, due_at)
		VALUES ('x', 'sharing-stopped', 'tax', '{}', 0, 0)`)
	b.must(err)
	b.must(b.work())
	if b.waiting() != 1 {
		t.Error("a message to an app is gone")
	}
}

// left is how accounts leave a notice.
var left = regexp.MustCompile(`(?:notify|tellLeaving|d\.record)\(ctx, tx, [^)]*?"([a-z]+-[a-z]+)"|"what": "([a-z]+-[a-z]+)"`)

// The letters know every word that accounts leave, in every language.
func TestLettersTellOfEverything(t *testing.T) {
	files, err := filepath.Glob("../accounts/*.go")
	if err != nil {
		t.Fatal(err)
	}
	words := map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		for _, m := range left.FindAllStringSubmatch(string(text), -1) {
			words[m[1]+m[2]] = true
		}
	}
	if len(words) < 8 {
		t.Fatalf("found only %v", words)
	}
	for _, lang := range []string{"en", "cy", "gd"} {
		letter, err := os.ReadFile("letters/notice." + lang + ".txt")
		if err != nil {
			t.Fatal(err)
		}
		for word := range words {
			if !strings.Contains(string(letter), `eq .What "`+word+`"`) {
				t.Errorf("%s: nothing is said of %s", lang, word)
			}
		}
	}
}
