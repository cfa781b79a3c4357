package council_test

import (
	"crypto/sha1"
	"encoding/hex"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/connectors"
)

const good = "kettle marble ostrich"

// withPassword signs somebody in at the account page and has them set a password.
func (b *bed) withPassword(address string) {
	b.Helper()
	w := b.browser()
	p := w.byCode(w.get(b.site+"/council/email/account"), address)
	p = w.submit(w.get(w.link(p, "set-password")), "save-password", map[string]string{"password": good, "again": good})
	if !strings.Contains(p.body, "Your password is set") {
		b.Fatalf("%d at %s\n%s", p.status, p.at, p.body)
	}
}

// byPassword goes on from the first page.
func (w *browser) byPassword(p page, address, password string) page {
	w.Helper()
	return w.submit(w.get(w.link(p, "use-password")), "check-password", map[string]string{"address": address, "password": password})
}

func TestPassword(t *testing.T) {
	onEachWith(t, "council: {passwords: true}\n", func(b *bed) {
		b.withPassword("jo@example.org")
		w := b.browser()
		a, p := w.start(connectors.Attempt{})
		said, err := w.finish(a, w.byPassword(p, "Jo@example.org", good))
		if err != nil || method(said) != "password" {
			t.Errorf("by %v, %v", method(said), err)
		}

		a, p = w.start(connectors.Attempt{Step: "two_factors"})
		p = w.byPassword(p, "jo@example.org", good)
		p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "jo@example.org")})
		said, err = w.finish(a, w.submit(p, "later", nil))
		if err != nil || method(said) != "password_code" {
			t.Errorf("with a code by %v, %v", method(said), err)
		}
	})
}

func TestPasswordRefused(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.withPassword("jo@example.org")
	b.browser().signIn("none@example.org")
	for name, tt := range map[string][2]string{
		"another password": {"jo@example.org", "kettle marble ostrichs"},
		"no password":      {"jo@example.org", ""},
		"has none":         {"none@example.org", ""},
		"nobody":           {"nobody@example.org", good},
		"no address":       {"jo", good},
	} {
		w := b.browser()
		_, p := w.start(connectors.Attempt{})
		if p = w.byPassword(p, tt[0], tt[1]); !strings.Contains(p.body, "do not belong together") {
			t.Errorf("%s: %d at %s", name, p.status, p.at)
		}
	}
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	for range 30 {
		p = w.byPassword(p, "jo@example.org", "wrong")
		if strings.Contains(p.body, "tried too often") {
			break
		}
		p = w.get(w.link(p, "other"))
	}
	if !strings.Contains(p.body, "tried too often") {
		t.Error("passwords may be tried for ever")
	}
}

// Somebody's password and somebody else's code are not two factors.
func TestPasswordAndCodeOfOne(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.withPassword("jo@example.org")
	w := b.browser()
	_, first := w.start(connectors.Attempt{Step: "two_factors"})
	w.byPassword(first, "jo@example.org", good)
	p := w.submit(first, "send", map[string]string{"address": "thief@example.org"})
	p = w.submit(p, "check", map[string]string{"code": b.post.Code(t, "thief@example.org")})
	if strings.HasPrefix(p.at.Path, "/callback") {
		t.Error("signed in")
	}
	if !strings.Contains(p.body, "you need a passkey") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

func TestNewPasswords(t *testing.T) {
	known := "marmalade kettle drum"
	sum := sha1.Sum([]byte(known))
	file := filepath.Join(t.TempDir(), "breached.txt")
	if err := os.WriteFile(file, fmt.Appendf(nil, "%X:7\r\n", sum), 0o600); err != nil {
		t.Fatal(err)
	}
	b := open(t, "council: {passwords: true, breached: "+file+"}\n")
	w := b.browser()
	p := w.byCode(w.get(b.site+"/council/email/account"), "somebody.with.a.name@example.org")
	p = w.get(w.link(p, "set-password"))
	for password, want := range map[string]string{
		"short":                            "at least 15",
		"fourteen chars":                   "at least 15",
		"é is one letter":                  "Your password is set", // however it is written
		"e\u0301 is one lette":             "at least 15",
		"Passwordpassword":                 "Thieves know",
		"qwertyuiopasdfghjkl":              "Thieves know",
		"Somebody.With.A.Name@example.org": "Thieves know",
		known:                              "Thieves know",
		strings.Repeat("long ", 60):        "too long",
		good:                               "Your password is set",
	} {
		w := *w
		if q := w.submit(p, "save-password", map[string]string{"password": password, "again": password}); !strings.Contains(q.body, want) {
			t.Errorf("%q: %d at %s, want %q", password, q.status, q.at, want)
		}
	}
	if q := w.submit(p, "save-password", map[string]string{"password": good, "again": good + "s"}); !strings.Contains(q.body, "two different passwords") {
		t.Errorf("typed differently: %d at %s", q.status, q.at)
	}
}

func TestCommon(t *testing.T) {
	for password, want := range map[string]bool{
		"password": true, "PASSWORD": true, "dragonmonkey": true, "letmein123qwerty": true, "correcthorsebatterystaple": true,
		good: false, "dragonmonkeysunshine": false, "": false,
	} {
		if got := council.Common(password); got != want {
			t.Errorf("%q is common: %v", password, got)
		}
	}
}

// The file is searched where it lies, however long its lines are.
func TestBreached(t *testing.T) {
	var lines, known []string
	for i := range 1000 {
		password := fmt.Sprintf("password %d", i)
		sum := sha1.Sum([]byte(password))
		lines, known = append(lines, strings.ToUpper(hex.EncodeToString(sum[:]))+":"+strings.Repeat("9", 1+i%12)), append(known, password)
	}
	slices.Sort(lines)
	for name, text := range map[string]string{
		"as published":     strings.Join(lines, "\r\n"),
		"with a last line": strings.Join(lines, "\n") + "\n",
		"in small letters": strings.ToLower(strings.Join(lines, "\n")),
	} {
		file := filepath.Join(t.TempDir(), "breached.txt")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		for _, password := range known {
			if found, err := council.Breached(file, password); !found || err != nil {
				t.Fatalf("%s: %q is not found, %v", name, password, err)
			}
		}
		for i := range 1000 {
			if found, err := council.Breached(file, fmt.Sprintf("unknown %d", i)); found || err != nil {
				t.Fatalf("%s: unknown %d is found, %v", name, i, err)
			}
		}
	}
	if _, err := council.Breached(filepath.Join(t.TempDir(), "none"), good); err == nil {
		t.Error("a file that is not there is no list")
	}
}

// cheapen makes everybody's password good at a fraction of today's cost.
func (b *bed) cheapen() {
	b.Helper()
	hash := "$argon2id$v=19$m=64,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$" + council.KeyAt(b.Context(), good, "somesaltsomesalt", 64)
	_, err := b.sql.Exec(b.Context(), `UPDATE council_users SET password = $1`, hash)
	b.must(err)
}

// A hash that was made at another cost is made anew by whoever signs in.
func TestRehash(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.withPassword("jo@example.org")
	b.cheapen()
	for range 2 {
		w := b.browser()
		a, p := w.start(connectors.Attempt{})
		if _, err := w.finish(a, w.byPassword(p, "jo@example.org", good)); err != nil {
			t.Fatal(err)
		}
		var kept string
		b.must(b.sql.QueryRow(t.Context(), `SELECT password FROM council_users`).Scan(&kept))
		if !strings.HasPrefix(kept, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("kept as %.40s", kept)
		}
	}
}

// A flood of sign-ins waits, and all of it has its turn.
func TestHashesAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // in which hashing takes no time
		if err := council.HashTogether(t.Context(), 12); err != nil {
			t.Error(err)
		}
	})
}

// Who finds too many waiting is told to come back, whether or not there is such a
// user; and who waits does so for a few seconds.
func TestHashesQueued(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.withPassword("jo@example.org")
	b.ways[0].Crowd()
	for _, address := range []string{"jo@example.org", "nobody@example.org"} {
		w := b.browser()
		_, p := w.start(connectors.Attempt{})
		action, form := w.form(w.get(w.link(p, "use-password")), "check-password", map[string]string{"address": address, "password": good})
		answer := w.request(http.MethodPost, action, form)
		answer.Body.Close()
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "30" {
			t.Errorf("%s: %s, retry after %q", address, answer.Status, answer.Header.Get("Retry-After"))
		}
	}
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		err := council.HashInVain(t.Context())
		if took := time.Since(start); err == nil || took != 3*time.Second {
			t.Errorf("gave up with %v after %v", err, took)
		}
	})
}
