package test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/test/town"
)

// witness hears everything that a town's servers are sent and say, and
// remembers what of it must never be in a log.
type witness struct {
	mu         sync.Mutex
	secrets    map[string]string // a value, and where it was heard
	references []string          // of error pages
	answers    []string          // X-Request-Id of every answer of the broker
}

func newWitness() *witness { return &witness{secrets: map[string]string{}} }

// harmless are values that travel in queries, forms and answers, and that
// a log may name: what operators, standards and the broker itself called so.
var harmless = []string{
	"tax", "library", "rota", "google", "facebook", "microsoft", "github", "works",
	"login", "another-client", "user_denied",
}

// see is for town.Options.Watch.
func (s *witness) see(x town.Exchange) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hearRequest(x)
	s.hearAnswer(x)
	if id := x.Header.Get("X-Request-Id"); id != "" {
		s.answers = append(s.answers, id)
		if reference := referenceOf(x.Body); reference != "" {
			s.references = append(s.references, reference)
		}
	}
}

var reference = regexp.MustCompile(`id="reference"[^>]*>([^<]*)<`)

func referenceOf(page string) string {
	if found := reference.FindStringSubmatch(page); found != nil {
		return found[1]
	}
	return ""
}

func (s *witness) hearRequest(x town.Exchange) {
	s.secret("a query", x.Request.URL.RawQuery)
	s.hearAll("a query", x.Request.URL.Query())
	s.hearAll("a form", x.Form)
	for _, c := range x.Request.Cookies() {
		s.secret("a cookie", c.Value)
	}
	if _, password, ok := x.Request.BasicAuth(); ok {
		s.secret("a client's authentication", password)
	}
	scheme, credentials, _ := strings.Cut(x.Request.Header.Get("Authorization"), " ")
	s.secret("a header "+scheme, credentials)
}

func (s *witness) hearAnswer(x town.Exchange) {
	for _, c := range (&http.Response{Header: x.Header}).Cookies() {
		s.secret("a cookie", c.Value)
	}
	if to, err := url.Parse(x.Header.Get("Location")); err == nil {
		told := to.Query()
		if strings.HasPrefix(to.String(), town.App) {
			told.Del("error_description") // the broker's own words
		}
		s.hearAll("a redirect", told)
	}
	if strings.Contains(x.Request.URL.Path, "well-known") || strings.Contains(x.Body, `"keys"`) {
		return // published for everybody
	}
	var body any
	if json.Unmarshal([]byte(x.Body), &body) == nil && x.Status == http.StatusOK {
		s.hear("an answer", body)
	}
}

var errorCode = regexp.MustCompile(`^[a-z_]+$`)

func (s *witness) hearAll(where string, values url.Values) {
	for name, of := range values {
		for _, value := range of {
			if name == "error" && errorCode.MatchString(value) {
				continue // a standard's, or a provider's own
			}
			s.hear(where+" as "+name, value)
		}
	}
}

// hear goes through all text of a value that may be JSON or a JWT.
func (s *witness) hear(where string, value any) {
	switch v := value.(type) {
	case string:
		s.secret(where, v)
		s.hearToken(where, v)
	case []any:
		for _, each := range v {
			s.hear(where, each)
		}
	case map[string]any:
		for name, each := range v {
			s.hear(where+" as "+name, each)
		}
	}
}

// hearToken hears what a JWT says, and each part of it (RFC 7519 §3).
func (s *witness) hearToken(where, token string) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	var claims map[string]any
	if err != nil || json.Unmarshal(payload, &claims) != nil {
		return
	}
	delete(claims, "iss") // names the provider, and so may the log
	s.hear(where, claims)
	s.secret(where, parts[1])
	s.secret(where, parts[2])
}

func (s *witness) secret(where, value string) {
	if len(value) >= 5 && !slices.Contains(harmless, value) {
		s.secrets[value] = where
	}
}

// compare looks for all that was heard in a log, and for one line of each
// request.
func (s *witness) compare(t *testing.T, log *town.Log) {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	written := log.String()
	text := wordsOf(t, written)
	for secret, where := range s.secrets {
		for _, form := range encodings(secret) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("the log holds what travelled in %s: %q", where, text[max(0, i-100):min(len(text), i+len(form)+100)])
			}
		}
	}
	if requests := strings.Count(written, `"msg":"request"`); requests != len(s.answers) {
		t.Errorf("%d lines tell of %d requests", requests, len(s.answers))
	}
	for _, id := range slices.Concat(s.answers, s.references) {
		if n := strings.Count(written, `"ref":"`+id+`"`); n != 1 {
			t.Errorf("%d lines have the reference %q, want one", n, id)
		}
	}
}

// wordsOf is all text in a log of JSON lines, each once and without JSON's
// escapes.
func wordsOf(t *testing.T, log string) string {
	t.Helper()
	said := map[string]bool{}
	for line := range strings.Lines(log) {
		var attributes map[string]any
		if err := json.Unmarshal([]byte(line), &attributes); err != nil {
			t.Errorf("a line of the log is not JSON: %v", err)
		}
		for name, value := range attributes {
			said[name] = true
			said[fmt.Sprint(value)] = true
		}
	}
	return strings.Join(slices.Collect(maps.Keys(said)), "\n")
}

// encodings are the forms in which a value may be written.
func encodings(value string) []string {
	forms := []string{value, url.QueryEscape(value), url.PathEscape(value)}
	if len(value) >= 6 { // of fewer, base64 is too little to tell
		whole := value[:len(value)/3*3] // what follows may be coded with it
		forms = append(forms, base64.StdEncoding.EncodeToString([]byte(whole)), base64.URLEncoding.EncodeToString([]byte(whole)))
	}
	slices.Sort(forms)
	return slices.Compact(forms)
}

// A tour of the broker, through successes, failures and mischief.
func TestNothingPersonalIsLogged(t *testing.T) {
	t.Parallel()
	seen := newWitness()
	council := town.Open(t, town.Options{Watch: seen.see})
	for name, part := range map[string]func(*testing.T, *town.Town, *town.Client){
		"sign-ins": visitEverywhere, "tokens": useTokens, "providers' trouble": meetTrouble, "mischief": doMischief,
	} {
		t.Run(name, func(t *testing.T) {
			part(t, council, council.NewClient(t, "tax", "profile", "email", "address", "offline_access"))
		})
	}
	for _, persona := range council.Providers["google"].Personas() {
		seen.hear("a person", map[string]any(persona.Person))
	}
	seen.compare(t, council.Log)
	if len(seen.secrets) < 500 || len(seen.references) < 10 {
		t.Errorf("the tour brought up %d values and %d error pages: this test proves little", len(seen.secrets), len(seen.references))
	}
}

func visitEverywhere(t *testing.T, council *town.Town, tax *town.Client) {
	library := council.NewClient(t, "library", "profile")
	for _, connector := range allConnectors {
		browser := council.NewBrowser(t)
		tax.Userinfo(tax.SignIn(browser, connector))
		a := library.Ask("prompt", "none")
		if page := browser.Get(a.URL); page.Query("code") != "" {
			library.Userinfo(library.Redeem(a, page))
		}
		browser.Get("/")
		browser.Get("/sign-out")
		browser.Post("/sign-out", url.Values{})
	}
	browser := council.NewBrowser(t)
	page := browser.Get(tax.Ask("login_hint", "alice.morgan@example.org", "ui_locales", "cy en").URL)
	browser.Get("/language?set=gd&return=" + url.QueryEscape(page.URL.RequestURI()))
	browser.Get(page.Link(t, "cancel"))
}

func useTokens(t *testing.T, council *town.Town, tax *town.Client) {
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "works")
	page := browser.Get(a.URL)
	tokens := tax.Redeem(a, page)
	for path, form := range map[string]url.Values{
		"/introspect": {"token": {tokens.AccessToken}},
		"/userinfo":   {"access_token": {tokens.AccessToken + "x"}},
		"/token":      refreshing(tokens),
		"/revoke":     {"token": {tokens.AccessToken}},
	} {
		tax.Call(path, form)
	}
	tax.Call("/token", redemption(tax, a, page.Query("code")))
	browser.Get("/authorize?" + url.Values{"id_token_hint": {tokens.Raw}, "client_id": {"tax"}}.Encode())
	browser.Get("/end_session?" + url.Values{
		"id_token_hint": {tokens.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"}, "state": {"bye alice.morgan"},
	}.Encode())
}

func meetTrouble(t *testing.T, council *town.Town, tax *town.Client) {
	for _, connector := range []string{"works", "facebook"} {
		for _, fault := range council.Providers[connector].Faults() {
			if fault.Beforehand() || fault.ID == "token-slow" || fault.ID == "token-huge" {
				continue // imposed on everybody; too slow here; too large to listen to
			}
			if fault.Expect == connectors.Unavailable {
				// With new connectors come new breakers, which have not opened yet.
				if err := council.Reload(); err != nil {
					t.Fatal(err)
				}
			}
			browser := council.NewBrowser(t)
			browser.Fault = fault.ID
			browser.Get(tax.Ask("connector_hint", connector).URL)
		}
	}
	browser := council.NewBrowser(t)
	answer := callback(t, browser, tax.Ask("connector_hint", "works"))
	told := url.Values{"error": {"alice@example.org is not known"}, "error_description": {"Alice Morgan, alice@example.org, cancelled"}}
	browser.Get(strings.Replace(answer, "code=", told.Encode()+"&not_code=", 1))
}

func doMischief(t *testing.T, council *town.Town, tax *town.Client) {
	browser, a := council.NewBrowser(t), tax.Ask("connector_hint", "google")
	answer := callback(t, browser, a)
	for _, address := range []string{
		"/alice.morgan@example.org/12 Rose Street", "/assets/alice.morgan@example.org/x", "/callback/alice.morgan@example.org?code=c",
		"/start/alice.morgan@example.org?request=Alice+Jane+Morgan", "/choose?request=alice.morgan@example.org",
		"/authorize?client_id=alice.morgan@example.org", "/authorize?%zz=alice.morgan@example.org",
		"/authorize?client_id=tax&redirect_uri=https://example.org/alice.morgan@example.org",
		a.URL + "&prompt=alice.morgan@example.org", a.URL + "&state=another-state", a.URL + "&id_token_hint=alice.morgan@example.org",
		answer + "x", strings.Replace(answer, "/google", "/works", 1), "/end_session?id_token_hint=alice.morgan@example.org",
	} {
		council.NewBrowser(t).Get(address)
		browser.Get(address)
	}
	browser.Post("/sign-out?alice.morgan@example.org", url.Values{"alice.morgan@example.org": {strings.Repeat("x", 70_000)}})
	browser.SetCookies(named("session", "alice.morgan@example.org"), named("browser", "alice.morgan@example.org"))
	browser.Get(a.URL)
	for path, form := range map[string]url.Values{
		"/token":      {"grant_type": {"alice.morgan@example.org"}, "client_id": {"tax"}, "client_secret": {"a-wrong-secret"}},
		"/introspect": {"token": {"alice.morgan@example.org"}, "client_id": {"alice.morgan"}},
		"/revoke":     {"token": {"one", "two of alice.morgan"}},
	} {
		tax.Call(path, form)
	}
}
