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

	"github.com/councilid/councilid/test/town"
)

// witness hears everything that a town's servers are sent and say, and
// remembers what of it must never be in a log.
type witness struct {
	mu         sync.Mutex
	secrets    map[string]string // a value, and where it was heard
	answers    []string          // the reference of every answer of the broker
	references []string          // those that a page shows
}

func newWitness() *witness { return &witness{secrets: map[string]string{}} }

// harmless are values that travel, and that a log may name all the same:
// operators, standards and providers' documentation call something so.
var harmless = []string{
	"tax", "library", "rota", "planning", "parking", "google", "facebook", "microsoft", "github", "works", "adfs",
	"login", "another-client",
}

// see is for town.Options.Watch.
func (w *witness) see(x town.Exchange) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.hearRequest(x)
	w.hearAnswer(x)
	if id := x.Header.Get("X-Request-Id"); id != "" {
		w.answers = append(w.answers, id)
		if reference := referenceOf(x.Body); reference != "" {
			w.references = append(w.references, reference)
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

func (w *witness) hearRequest(x town.Exchange) {
	w.secret("a query", x.Request.URL.RawQuery)
	w.hearAll("a query", x.Request.URL.Query())
	w.hearAll("a form", x.Form)
	for _, c := range x.Request.Cookies() {
		w.secret("a cookie", c.Value)
	}
	if _, password, ok := x.Request.BasicAuth(); ok {
		w.secret("a client's authentication", password)
	}
	scheme, credentials, _ := strings.Cut(x.Request.Header.Get("Authorization"), " ")
	w.secret("a header "+scheme, credentials)
}

func (w *witness) hearAnswer(x town.Exchange) {
	for _, c := range (&http.Response{Header: x.Header}).Cookies() {
		w.secret("a cookie", c.Value)
	}
	if to, err := url.Parse(x.Header.Get("Location")); err == nil {
		told := to.Query()
		if strings.HasPrefix(to.String(), town.App) {
			told.Del("error_description") // the broker's own words
		}
		w.hearAll("a redirect", told)
	}
	if form, ok := (town.Page{URL: x.Request.URL, Body: x.Body}).Message(); ok {
		w.hearAll("a page", form.Fields)
	}
	public := strings.Contains(x.Request.URL.Path, "well-known") || strings.Contains(x.Body, `"keys"`)
	var body any
	if x.Status == http.StatusOK && !public && json.Unmarshal([]byte(x.Body), &body) == nil {
		w.hear("an answer", body)
	}
}

func (w *witness) hearAll(where string, values url.Values) {
	for name, of := range values {
		for _, value := range of {
			w.hearNamed(where, name, value)
			if name == "SAMLRequest" || name == "SAMLResponse" {
				w.hearMessage(where+" as "+name, value)
			}
		}
	}
}

var (
	errorName = regexp.MustCompile(`^error(_subcode|_reason)?$`)
	errorCode = regexp.MustCompile(`^[a-z_]+$`)
)

// hearNamed hears a value that has a name. The code of an error is a
// standard's, or a provider's own.
func (w *witness) hearNamed(where, name string, value any) {
	if code, ok := value.(string); ok && errorName.MatchString(name) && errorCode.MatchString(code) {
		return
	}
	w.hear(where+" as "+name, value)
}

// hear goes through all text of a value that may be JSON or a JWT.
func (w *witness) hear(where string, value any) {
	switch v := value.(type) {
	case string:
		w.secret(where, v)
		w.hearToken(where, v)
	case []any:
		for _, each := range v {
			w.hear(where, each)
		}
	case map[string]any:
		for name, each := range v {
			w.hearNamed(where, name, each)
		}
	}
}

// hearToken hears what a JWT says, and each part of it (RFC 7519 §3).
func (w *witness) hearToken(where, token string) {
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
	w.hear(where, claims)
	w.secret(where, parts[1])
	w.secret(where, parts[2])
}

func (w *witness) secret(where, value string) {
	if len(value) >= 5 && !slices.Contains(harmless, value) {
		w.secrets[value] = where
	}
}

// compare looks for all that was heard in a log, and for one line of each
// request.
func (w *witness) compare(t *testing.T, log *town.Log) {
	t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	written := log.String()
	text := wordsOf(t, written)
	for secret, where := range w.secrets {
		for _, form := range encodings(secret) {
			if i := strings.Index(text, form); i >= 0 {
				t.Errorf("the log holds what travelled in %s: %q", where, text[max(0, i-100):min(len(text), i+len(form)+100)])
			}
		}
	}
	if requests := strings.Count(written, `"msg":"request"`); requests != len(w.answers) {
		t.Errorf("%d lines tell of %d requests", requests, len(w.answers))
	}
	for _, id := range slices.Concat(w.answers, w.references) {
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
