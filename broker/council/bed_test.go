package council_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/test/logbook"
	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/markup"
	"github.com/councilid/councilid/test/servers"
)

// bed is the council's way in on two nodes, with a mail server. The login around
// it is the test's.
type bed struct {
	*testing.T
	ways  [2]*council.Council
	post  *mailbox.Server
	state *store.Store
	sql   *db.DB
	log   logbook.Log
	site  string // where the first node is, as browsers see it
	nodes [2]*httptest.Server

	proven      string // the subject of whom there is evidence; "" for nobody
	same        string // the subject to whose account somebody has just signed in by another way; "" for nobody
	weaklyAdded bool   // that other way in was added in a session of one factor

	mu    sync.Mutex
	clock time.Time
	ended []string // the subjects whose other sessions were ended
}

// onEach runs a test with each database.
func onEach(t *testing.T, test func(*bed)) { onEachWith(t, "", test) }

// onEachWith is onEach with lines of the connector's file.
func onEachWith(t *testing.T, more string, test func(*bed)) {
	t.Run("sqlite", func(t *testing.T) { test(open(t, more)) })
	t.Run("postgres", func(t *testing.T) { test(newBed(t, db.Options{Postgres: servers.Postgres(t)}, more)) })
}

// open is a bed with SQLite. more are lines of the connector's file.
func open(t *testing.T, more string) *bed {
	return newBed(t, db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")}, more)
}

func newBed(t *testing.T, o db.Options, more string) *bed {
	t.Helper()
	b := &bed{T: t, post: mailbox.Open(t), clock: time.Now().Truncate(time.Second)}
	var err error
	b.state, err = store.Open(store.Options{})
	b.must(err)
	t.Cleanup(func() { b.state.Close() })
	b.sql, err = db.Open(t.Context(), o)
	b.must(err)
	t.Cleanup(func() { b.sql.Close() })
	for i := range b.nodes {
		b.nodes[i] = httptest.NewUnstartedServer(nil)
	}
	_, port, _ := strings.Cut(b.nodes[0].Listener.Addr().String(), ":")
	b.site = "http://localhost:" + port
	t.Cleanup(func() {
		if log := b.log.String(); strings.Contains(log, "example.org") {
			t.Errorf("an address was logged: %s", log)
		}
	})
	cfg := b.load(more)
	for i := range b.nodes {
		b.ways[i] = b.open(cfg, i)
	}
	return b
}

func (b *bed) load(more string) *config.Config {
	b.Helper()
	dir := b.TempDir()
	for name, text := range map[string]string{
		"broker.yaml": "issuer: " + b.site + "\nlook: {council: Strathmore Council}\n" +
			"mail: {smtp: " + b.post.Address + ", tls: none, from: Strathmore Council <no-reply@strathmore.example>}\n",
		"connectors/email.yaml": "preset: council\n" + more,
	} {
		file := filepath.Join(dir, name)
		b.must(os.MkdirAll(filepath.Dir(file), 0o700))
		b.must(os.WriteFile(file, []byte(text), 0o600))
	}
	cfg, err := config.Load(dir, connectors.Presets())
	b.must(err)
	return cfg
}

func (b *bed) open(cfg *config.Config, node int) *council.Council {
	b.Helper()
	log := slog.New(slog.NewTextHandler(&b.log, nil))
	site, err := web.New(web.Options{Look: web.Look{Council: "Strathmore Council"}, Log: log, Translate: translate, Proxies: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	b.must(err)
	post, err := mail.Open(*cfg.Broker.Mail, io.Discard, log)
	b.must(err)
	way, err := council.Open(council.Options{
		Connector: cfg.Connectors[0], Post: post, Issuer: b.site, Name: "Strathmore Council",
		Store: b.state, DB: b.sql, Site: site, Limit: store.Limit{PerMinute: 6000}, Now: b.now, Log: log,
		Same: func(_ *http.Request, issuer, subject string) (same, strong bool, err error) {
			return subject != "" && b.same == subject && issuer == b.site+"/council", !b.weaklyAdded, nil
		},
		Changed: func(_ *http.Request, _, subject, _ string) error {
			b.mu.Lock()
			defer b.mu.Unlock()
			b.ended = append(b.ended, subject)
			return nil
		},
		Proven: func(_ context.Context, _, subject string) (bool, error) { return b.proven == subject, nil },
	})
	b.must(err)
	b.nodes[node].Config.Handler = serving(way)
	b.nodes[node].Start()
	b.Cleanup(b.nodes[node].Close)
	return way
}

func serving(way *council.Council) http.Handler {
	mux := http.NewServeMux()
	way.Mount(mux)
	return way.Site.Protect(mux)
}

// mount has the first node serve another way in.
func (b *bed) mount(way *council.Council) {
	b.Helper()
	b.ways[0] = way
	b.nodes[0] = httptest.NewServer(serving(way))
	b.Cleanup(b.nodes[0].Close)
}

func translate(err error) *web.Error {
	if _, exceeded := errors.AsType[*store.Exceeded](err); exceeded {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany}
	}
	return nil
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

// browser keeps cookies and follows redirects to pages, but not to the broker's
// callback.
type browser struct {
	*bed
	client   http.Client
	node     int    // that answers
	language string // that it asks for
	from     string // the address that it is at, "" for this machine's
}

func (b *bed) browser() *browser {
	b.Helper()
	jar, err := cookiejar.New(nil)
	b.must(err)
	w := &browser{bed: b}
	w.client = http.Client{Jar: jar, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	return w
}

// page is what a browser is shown, or where it was sent.
type page struct {
	status int
	at     *url.URL
	body   string
}

func (p page) query(name string) string { return p.at.Query().Get(name) }

// start begins an attempt and opens the first page.
func (w *browser) start(a connectors.Attempt) (connectors.Attempt, page) {
	w.Helper()
	a.State = store.NewHandle().String()
	to, err := w.ways[w.node].Start(w.Context(), a)
	w.must(err)
	return a, w.get(to.URL)
}

func (w *browser) get(address string) page { return w.do(http.MethodGet, address, nil) }

// do makes a request of whichever node is the browser's, and follows where it
// leads.
func (w *browser) do(method, address string, form url.Values) page {
	w.Helper()
	for range 10 {
		answer := w.request(method, address, form)
		body, err := io.ReadAll(answer.Body)
		w.must(err)
		answer.Body.Close()
		at := answer.Request.URL
		to := answer.Header.Get("Location")
		if to == "" {
			return page{status: answer.StatusCode, at: at, body: string(body)}
		}
		next, err := at.Parse(to)
		w.must(err)
		if strings.HasPrefix(next.Path, "/callback/") {
			return page{status: answer.StatusCode, at: next}
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	w.Fatal("too many redirects")
	return page{}
}

func (w *browser) request(method, address string, form url.Values) *http.Response {
	w.Helper()
	u, err := url.Parse(address)
	w.must(err)
	u.Scheme, u.Host = "http", w.nodes[w.node].Listener.Addr().String()
	r, err := http.NewRequestWithContext(w.Context(), method, u.String(), strings.NewReader(form.Encode()))
	w.must(err)
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Sec-Fetch-Site", "same-origin")
	}
	r.Header.Set("Accept-Language", w.language)
	r.Header.Set("X-Forwarded-For", w.from)
	answer, err := w.client.Do(r)
	w.must(err)
	return answer
}

// submit fills in the form of the page that has the button, and follows where it
// leads.
func (w *browser) submit(p page, button string, fields map[string]string) page {
	w.Helper()
	action, values := w.form(p, button, fields)
	return w.do(http.MethodPost, action, values)
}

// step is where the form leads, which is not followed.
func (w *browser) step(p page, button string, fields map[string]string) string {
	w.Helper()
	action, values := w.form(p, button, fields)
	answer := w.request(http.MethodPost, action, values)
	answer.Body.Close()
	to, err := answer.Location()
	w.must(err)
	return to.Path
}

func (w *browser) form(p page, button string, fields map[string]string) (action string, values url.Values) {
	w.Helper()
	for _, form := range markup.Forms(p.at, p.body) {
		if !form.Holds(button) {
			continue
		}
		for name, value := range fields {
			form.Fields.Set(name, value)
		}
		return form.Action, form.Fields
	}
	w.Fatalf("the page has no button %s: %d at %s\n%s", button, p.status, p.at, p.body)
	return "", nil
}

// cookie is what the browser holds.
func (w *browser) cookie(name string) string {
	w.Helper()
	at, err := url.Parse(w.nodes[w.node].URL)
	w.must(err)
	for _, c := range w.client.Jar.Cookies(at) {
		if c.Name == name {
			return c.Value
		}
	}
	w.Fatalf("there is no cookie %s", name)
	return ""
}

func (w *browser) setCookie(name, value string) {
	w.Helper()
	at, err := url.Parse(w.nodes[w.node].URL)
	w.must(err)
	w.client.Jar.SetCookies(at, []*http.Cookie{{Name: name, Value: value, Path: "/"}})
}

// link is where the page's link with an id leads.
func (w *browser) link(p page, id string) string {
	w.Helper()
	to := markup.Link(p.body, id)
	if to == "" {
		w.Fatalf("the page has no link %s: %d at %s\n%s", id, p.status, p.at, p.body)
	}
	return to
}

// outcomeOf is the outcome that a connector's error carries.
func outcomeOf(err error) connectors.Outcome {
	if failure, ok := errors.AsType[*connectors.Failure](err); ok {
		return failure.Outcome
	}
	return ""
}

// finish has the answer checked that the browser was sent to the callback with.
func (w *browser) finish(a connectors.Attempt, p page) (*connectors.Assertion, error) {
	w.Helper()
	return w.ways[1-w.node].Finish(context.Background(), a, httptest.NewRequest(http.MethodGet, p.at.String(), nil))
}

// signIn is a whole sign-in by a code.
func (w *browser) signIn(address string) *connectors.Assertion {
	w.Helper()
	a, p := w.start(connectors.Attempt{})
	p = w.byCode(p, address)
	if p.at.Path == "/council/email/passkey/new" {
		p = w.submit(p, "later", nil)
	}
	said, err := w.finish(a, p)
	w.must(err)
	return said
}

// byCode goes on from the first page to where the code leads.
func (w *browser) byCode(p page, address string) page {
	w.Helper()
	p = w.submit(p, "send", map[string]string{"address": address})
	return w.submit(p, "check", map[string]string{"code": w.post.Code(w, strings.ToLower(strings.TrimSpace(address)))})
}
