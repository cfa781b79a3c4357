package council_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/mailbox"
)

func TestCode(t *testing.T) {
	onEach(t, func(b *bed) {
		w := b.browser()
		said := w.signIn("jo@example.org")
		want := &connectors.Assertion{
			Issuer: b.site + "/council", Subject: said.Subject, AuthTime: b.now(),
			Claims: mapping.Claims{"sub": said.Subject, "email": "jo@example.org", "email_verified": true},
			Signed: mapping.Signed{"council": {"method": "code"}},
		}
		if diff := cmp.Diff(want, said); diff != "" || said.Subject == "" {
			t.Errorf("-want +got:\n%s", diff)
		}
		b.pass(time.Hour)
		if again := b.browser().signIn(" Jo@EXAMPLE.org "); again.Subject != said.Subject {
			t.Error("the same address is another person")
		}
		if other := b.browser().signIn("jo.o@example.org"); other.Subject == said.Subject {
			t.Error("another address is the same person")
		}
	})
}

// What the mail and its reader may know.
func TestCodeLetter(t *testing.T) {
	b := open(t, "")
	for _, lang := range []string{"en", "cy", "gd"} {
		w := b.browser()
		w.language = lang
		_, p := w.start(connectors.Attempt{})
		w.submit(p, "send", map[string]string{"address": lang + "@example.org"})
		letter := b.post.Wait(t, lang+"@example.org", 1)[0]
		if strings.Contains(letter.Body, "://") || strings.Contains(letter.Subject+letter.Body, "{{") {
			t.Errorf("%s: a link, or something left out: %s", lang, letter.Body)
		}
		for _, part := range []string{"Strathmore Council", strings.TrimPrefix(b.site, "http://"), "10"} {
			if !strings.Contains(letter.Subject+letter.Body, part) {
				t.Errorf("%s: the letter lacks %q: %s", lang, part, letter.Body)
			}
		}
	}
}

func TestCodeTypedAsPeopleDo(t *testing.T) {
	b := open(t, "")
	for i, typed := range []func(string) string{
		func(code string) string { return strings.ReplaceAll(code, " ", "") },
		func(code string) string { return " " + strings.ReplaceAll(code, " ", "-") + " " },
		func(code string) string { return strings.ReplaceAll(code, " ", "\u00a0") },
	} {
		w, address := b.browser(), fmt.Sprintf("jo%d@example.org", i)
		_, p := w.start(connectors.Attempt{})
		p = w.submit(p, "send", map[string]string{"address": address})
		code := typed(b.post.Code(t, address))
		if p = w.submit(p, "check", map[string]string{"code": code}); strings.Contains(p.body, "not the code") {
			t.Errorf("%q is not taken", code)
		}
	}
}

// wrong is not the code.
func wrong(code string) string {
	if code == "0000 0000" {
		return "00000001"
	}
	return "00000000"
}

func TestCodeRefused(t *testing.T) {
	b := open(t, "")
	for name, tt := range map[string]struct {
		spoil func(w *browser, p page, code string)
		want  string
	}{
		"four guesses":  {func(w *browser, p page, code string) { w.guess(p, code, 4) }, ""},
		"five guesses":  {func(w *browser, p page, code string) { w.guess(p, code, 5) }, "does not work any more"},
		"nine minutes":  {func(w *browser, p page, _ string) { w.pass(9 * time.Minute) }, ""},
		"ten minutes":   {func(w *browser, p page, _ string) { w.pass(10 * time.Minute) }, "does not work any more"},
		"another code":  {func(w *browser, p page, _ string) { w.submit(p, "again", nil) }, "not the code"},
		"used already":  {func(w *browser, p page, code string) { w.submit(p, "check", map[string]string{"code": code}) }, "does not work any more"},
		"another place": {func(w *browser, p page, _ string) { w.node = 1 }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			w, address := b.browser(), strings.ReplaceAll(name, " ", "-")+"@example.org"
			_, p := w.start(connectors.Attempt{})
			p = w.submit(p, "send", map[string]string{"address": address})
			code := b.post.Code(t, address)
			tt.spoil(w, p, code)
			p = w.submit(p, "check", map[string]string{"code": code})
			if tt.want == "" {
				tt.want = "Sign in faster next time"
			}
			if !strings.Contains(p.body, tt.want) {
				t.Errorf("%d at %s, want %q", p.status, p.at, tt.want)
			}
		})
	}
}

// guess types wrong codes.
func (w *browser) guess(p page, code string, times int) {
	w.Helper()
	for range times {
		w.submit(p, "check", map[string]string{"code": wrong(code)})
	}
}

// A code that another browser asked for is of no use here: whoever is talked
// into reading one out lets nobody in who did not ask for it in their own.
func TestCodeBelongsToTheVisit(t *testing.T) {
	b := open(t, "")
	jo, thief := b.browser(), b.browser()
	_, p := jo.start(connectors.Attempt{})
	jo.submit(p, "send", map[string]string{"address": "jo@example.org"})
	code := b.post.Code(t, "jo@example.org")
	_, p = thief.start(connectors.Attempt{})
	p = thief.submit(p, "send", map[string]string{"address": "thief@example.org"})
	if p = thief.submit(p, "check", map[string]string{"code": code}); !strings.Contains(p.body, "not the code") {
		t.Errorf("%d at %s", p.status, p.at)
	}
}

// The address that a code shows is the one that it went to, not the one that was
// typed last.
func TestCodeShowsTheAddressItWentTo(t *testing.T) {
	b := open(t, "")
	victim := b.browser().signIn("victim@example.org")
	thief := b.browser()
	a, first := thief.start(connectors.Attempt{})
	for range 5 {
		thief.submit(first, "send", map[string]string{"address": "victim@example.org"})
	}
	p := thief.submit(first, "send", map[string]string{"address": "thief@example.org"})
	code := b.post.Code(t, "thief@example.org")
	if q := thief.submit(first, "send", map[string]string{"address": "victim@example.org"}); !strings.Contains(q.body, "sent many codes") {
		t.Fatalf("this test needs a code that is not sent: %d at %s", q.status, q.at)
	}
	p = thief.submit(p, "check", map[string]string{"code": code})
	said, err := thief.finish(a, thief.submit(p, "later", nil))
	if err != nil || said.Subject == victim.Subject || said.Claims["email"] != "thief@example.org" {
		t.Errorf("signed in as %v, %v", said, err)
	}
}

// Of many who bring the code at once, on two nodes, one finds it: so do guesses.
func TestCodeOnce(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	p = w.submit(p, "send", map[string]string{"address": "jo@example.org"})
	code := b.post.Code(t, "jo@example.org")
	var wins atomic.Int64
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			other := *w
			other.node = i % 2
			if other.step(p, "check", map[string]string{"code": code}) == "/council/email/passkey/new" {
				wins.Add(1)
			}
		})
	}
	all.Wait()
	if wins.Load() != 1 {
		t.Errorf("%d of ten win", wins.Load())
	}
}

func TestCodesAreLimited(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	for i := range 7 {
		q := w.submit(p, "send", map[string]string{"address": "jo@example.org"})
		if many := strings.Contains(q.body, "sent many codes"); many != (i == 6) {
			t.Errorf("code %d: refused is %v", i, many)
		}
	}
	if got := len(b.post.Letters("jo@example.org")); got != 6 {
		t.Errorf("%d letters, want 6", got)
	}
	if q := w.submit(p, "send", map[string]string{"address": "al@example.org"}); strings.Contains(q.body, "sent many codes") {
		t.Error("another address is limited, too")
	}
	elsewhere := b.browser()
	elsewhere.from = "192.0.2.7"
	_, p = elsewhere.start(connectors.Attempt{})
	if q := elsewhere.submit(p, "send", map[string]string{"address": "jo@example.org"}); strings.Contains(q.body, "sent many codes") {
		t.Error("whoever asks for many codes locks the address's owner out")
	}
}

// Nobody writes to all of the world from one place.
func TestLettersAreLimited(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	begun, sent := time.Now(), 0
	for sent < 1000 {
		q := w.submit(p, "send", map[string]string{"address": fmt.Sprintf("resident-%d@example.org", sent)})
		if strings.Contains(q.body, "sent many codes") {
			break
		}
		sent++
	}
	if most := 200 + int(time.Since(begun)/(time.Hour/200)); sent < 200 || sent > most {
		t.Fatalf("%d letters, want 200 and as many as came free meanwhile", sent)
	}
	elsewhere := b.browser()
	elsewhere.from = "192.0.2.7"
	_, p = elsewhere.start(connectors.Attempt{})
	if q := elsewhere.submit(p, "send", map[string]string{"address": "jo@example.org"}); strings.Contains(q.body, "sent many codes") {
		t.Error("another network is limited, too")
	}
}

// Nobody learns whether an address is known: pages and letters are alike.
func TestAddressesAreNotTold(t *testing.T) {
	b := open(t, "council: {passwords: true}\n")
	b.browser().signIn("known@example.org")
	shown := map[string][]string{}
	for _, address := range []string{"known@example.org", "other@example.org"} {
		w := b.browser()
		_, p := w.start(connectors.Attempt{})
		sent := w.submit(p, "send", map[string]string{"address": address})
		password := w.submit(w.get(w.link(p, "use-password")), "check-password", map[string]string{"address": address, "password": "not a password of theirs"})
		letters := b.post.Letters(address)
		for _, page := range []string{sent.body, password.body, letters[len(letters)-1].Body} {
			page = strings.ReplaceAll(page, address, "ADDRESS")
			page = regexp.MustCompile(`state(=|%3D)[^"&]*|\d{4} \d{4}`).ReplaceAllString(page, "")
			shown[address] = append(shown[address], page)
		}
	}
	if diff := cmp.Diff(shown["known@example.org"], shown["other@example.org"]); diff != "" {
		t.Errorf("-known +unknown:\n%s", diff)
	}
}

// The answer is the browser's and counts once, on any node, for its attempt.
func TestAnswerOnce(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	a, p := w.start(connectors.Attempt{})
	p = w.submit(w.byCode(p, "jo@example.org"), "later", nil)
	other := connectors.Attempt{State: store.NewHandle().String()}
	r := func() *http.Request { return httptest.NewRequest(http.MethodGet, p.at.String(), nil) }
	if _, err := b.ways[0].Finish(t.Context(), other, r()); err == nil {
		t.Error("the answer to one attempt is taken for another's")
	}
	if _, err := b.ways[0].Finish(t.Context(), a, r()); err == nil {
		t.Error("an answer that was taken, if wrongly, counts again")
	}

	a, p = w.start(connectors.Attempt{})
	p = w.byCode(p, "jo@example.org") // who said "not now"
	var wins sync.Map
	var all sync.WaitGroup
	for i := range 10 {
		all.Go(func() {
			if said, err := b.ways[i%2].Finish(t.Context(), a, r()); err == nil {
				wins.Store(i, said)
			}
		})
	}
	all.Wait()
	n := 0
	wins.Range(func(any, any) bool { n++; return true })
	if n != 1 {
		t.Errorf("%d of ten that bring one answer win", n)
	}
}

func TestVisitBelongsToABrowser(t *testing.T) {
	b := open(t, "")
	jo, thief := b.browser(), b.browser()
	_, p := jo.start(connectors.Attempt{})
	for name, q := range map[string]page{
		"another browser": thief.get(p.at.String()),
		"its form":        thief.submit(p, "send", map[string]string{"address": "jo@example.org"}),
	} {
		if q.status != http.StatusBadRequest {
			t.Errorf("%s gets %d", name, q.status)
		}
	}
	if letters := b.post.Letters("jo@example.org"); len(letters) != 0 {
		t.Error("another browser had a code sent")
	}
	if q := jo.get(b.site + "/council/email/sign-in?state=" + store.NewHandle().String()); q.status != http.StatusBadRequest {
		t.Errorf("a visit that was made up: %d", q.status)
	}
	if q := jo.get(b.site + "/council/email/passkey/new?state=" + p.query("state")); q.status != http.StatusBadRequest {
		t.Errorf("a passkey before a sign-in: %d", q.status)
	}
}

func TestCancel(t *testing.T) {
	b := open(t, "")
	w := b.browser()
	a, p := w.start(connectors.Attempt{})
	_, err := w.finish(a, w.get(w.link(p, "cancel")))
	if outcomeOf(err) != connectors.Cancelled {
		t.Errorf("cancelled: %v", err)
	}
	a, p = w.start(connectors.Attempt{Step: "passkey"})
	p = w.byCode(p, "jo@example.org")
	_, err = w.finish(a, w.submit(p, "later", nil))
	if outcomeOf(err) != connectors.Unmet {
		t.Errorf("declined what was needed: %v", err)
	}
}

// Where two factors are needed a code leads to a passkey, and that to the app.
func TestStrong(t *testing.T) {
	b := open(t, "")
	for _, step := range []string{"two_factors", "passkey"} {
		w, d := b.browser(), b.newDevice()
		a, p := w.start(connectors.Attempt{Step: step})
		if !strings.Contains(p.body, "a code alone is not enough") {
			t.Errorf("%s: nobody is told", step)
		}
		p = w.byCode(p, step+"@example.org")
		p = w.submit(p, "make-passkey", map[string]string{"credential": d.make(p)})
		if !strings.Contains(p.body, "Now sign in with it") {
			t.Fatalf("%s: %d at %s", step, p.status, p.at)
		}
		said, err := w.finish(a, w.submit(p, "use-passkey", map[string]string{"credential": d.use(p)}))
		if err != nil || method(said) != "passkey" {
			t.Errorf("%s: by %v, %v", step, method(said), err)
		}
	}
}

// A mail server that refuses is told of; the log says so without the address.
func TestMailRefused(t *testing.T) {
	b := open(t, "")
	b.post.Refuse(mailbox.Nobody)
	w := b.browser()
	_, p := w.start(connectors.Attempt{})
	p = w.submit(p, "send", map[string]string{"address": "jo@example.org"})
	if !strings.Contains(p.body, "could not send the email") {
		t.Errorf("%d at %s", p.status, p.at)
	}
	if log := b.log.String(); !strings.Contains(log, "could not be sent") || strings.Contains(log, "example.org") {
		t.Errorf("logged %s", log)
	}
}
