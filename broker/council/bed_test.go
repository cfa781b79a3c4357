package council_test

import (
	"context"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/test/mailbox"
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
	log   *strings.Builder
	site  string // where the first node is, as browsers see it
	nodes [2]*httptest.Server

	proven string // the subject of whom there is evidence; "" for nobody

	mu    sync.Mutex
	clock time.Time
}

// onEach runs a test with each database.
func onEach(t *testing.T, test func(*bed)) {
	t.Run("sqlite", func(t *testing.T) {
		test(newBed(t, db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")}, ""))
	})
	t.Run("postgres", func(t *testing.T) { test(newBed(t, db.Options{Postgres: servers.Postgres(t)}, "")) })
}

// open is a bed with SQLite. more are lines of the connector's file.
func open(t *testing.T, more string) *bed {
	return newBed(t, db.Options{SQLite: filepath.Join(t.TempDir(), "councilid.db")}, more)
}

func newBed(t *testing.T, o db.Options, more string) *bed {
	t.Helper()
	b := &bed{T: t, post: mailbox.Open(t), log: &strings.Builder{}, clock: time.Now().Truncate(time.Second)}
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
	log := slog.New(slog.NewTextHandler(&locked{to: b.log}, nil))
	site, err := web.New(web.Options{Look: web.Look{Council: "Strathmore Council"}, Log: log, Translate: translate})
	b.must(err)
	way, err := council.Open(council.Options{
		Connector: cfg.Connectors[0], Mail: cfg.Broker.Mail, Issuer: b.site, Name: "Strathmore Council",
		Store: b.state, DB: b.sql, Site: site, Limit: store.Limit{PerMinute: 6000}, Now: b.now, Log: log,
		Proven: func(_ context.Context, _, subject string) (bool, error) { return b.proven == subject, nil },
	})
	b.must(err)
	mux := http.NewServeMux()
	way.Mount(mux)
	b.nodes[node].Config.Handler = site.Protect(mux)
	b.nodes[node].Start()
	b.Cleanup(b.nodes[node].Close)
	return way
}

func translate(err error) *web.Error {
	if _, exceeded := errors.AsType[*store.Exceeded](err); exceeded {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany}
	}
	return nil
}

// locked is a writer that several nodes share.
type locked struct {
	mu sync.Mutex
	to io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to.Write(p)
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
	client http.Client
	node   int // that answers
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

// do makes a request of whichever node is the browser's.
func (w *browser) do(method, address string, form url.Values) page {
	w.Helper()
	for range 10 {
		u, err := url.Parse(address)
		w.must(err)
		u.Scheme, u.Host = "http", w.nodes[w.node].Listener.Addr().String()
		r, err := http.NewRequestWithContext(w.Context(), method, u.String(), strings.NewReader(form.Encode()))
		w.must(err)
		if method == http.MethodPost {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Sec-Fetch-Site", "same-origin")
		}
		answer, err := w.client.Do(r)
		w.must(err)
		body, err := io.ReadAll(answer.Body)
		w.must(err)
		answer.Body.Close()
		to := answer.Header.Get("Location")
		if to == "" {
			return page{status: answer.StatusCode, at: u, body: string(body)}
		}
		next, err := u.Parse(to)
		w.must(err)
		if strings.HasPrefix(next.Path, "/callback/") {
			return page{status: answer.StatusCode, at: next}
		}
		method, address, form = http.MethodGet, next.String(), nil
	}
	w.Fatal("too many redirects")
	return page{}
}

var (
	formTag  = regexp.MustCompile(`(?s)<form method="post" action="([^"]*)".*?</form>`)
	fieldTag = regexp.MustCompile(`<input[^>]* name="([^"]*)"[^>]*>`)
	valueTag = regexp.MustCompile(` value="([^"]*)"`)
)

// submit fills in the form of the page that has the button.
func (w *browser) submit(p page, button string, fields map[string]string) page {
	w.Helper()
	for _, form := range formTag.FindAllStringSubmatch(p.body, -1) {
		if !strings.Contains(form[0], ` id="`+button+`"`) {
			continue
		}
		values := url.Values{}
		for _, field := range fieldTag.FindAllStringSubmatch(form[0], -1) {
			value := ""
			if found := valueTag.FindStringSubmatch(field[0]); found != nil {
				value = html.UnescapeString(found[1])
			}
			values.Set(field[1], value)
		}
		for name, value := range fields {
			values.Set(name, value)
		}
		return w.do(http.MethodPost, html.UnescapeString(form[1]), values)
	}
	w.Fatalf("the page has no button %s: %d at %s\n%s", button, p.status, p.at, p.body)
	return page{}
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
	return w.submit(p, "check", map[string]string{"code": w.post.Code(w, address)})
}
