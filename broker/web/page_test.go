package web_test

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/web"
	"golang.org/x/net/html"
)

const hostile = `"><script>alert('x')</script>`

// shown is a page with data as people meet it, by a name of its own.
type shown struct {
	page string
	data any
}

func allPages() map[string]shown {
	ways := []web.Way{
		{ID: "google", Label: "Google", URL: "/start/google"},
		{ID: "test", Label: hostile, Hint: hostile, URL: "/start/test?x=" + hostile, Last: true},
	}
	pages := map[string]shown{
		"choose":               {"choose", web.Choose{Ways: ways}},
		"choose for an app":    {"choose", web.Choose{App: hostile, Ways: ways, Cancel: "/cancel"}},
		"choose again":         {"choose", web.Choose{App: "Council tax", Notice: "ended_hijacked", NoticeArg: hostile, Ways: ways[:1], Cancel: "/cancel"}},
		"choose more surely":   {"choose", web.Choose{App: hostile, More: web.MoreSure, Ways: ways, Later: "/later", Cancel: "/cancel"}},
		"choose more safely":   {"choose", web.Choose{App: hostile, More: web.MoreSafe, Ways: ways, Cancel: "/cancel"}},
		"trouble":              {"trouble", web.Trouble{Choose: web.Choose{Notice: "unmet", NoticeArg: hostile}}},
		"trouble in an app":    {"trouble", web.Trouble{Choose: web.Choose{App: hostile, Notice: "cancelled", NoticeArg: hostile, Ways: ways, Later: "/later", Cancel: "/cancel"}, Again: "/start/google", Reference: "ABCD2345"}},
		"in an app":            {"in_app", web.Trouble{Choose: web.Choose{App: hostile, NoticeArg: hostile, Ways: ways, Cancel: "/cancel"}, Again: "/start/google?anyway=yes", Address: "https://tax.example/?" + hostile}},
		"who":                  {"who", web.Who{App: hostile, Provider: hostile, Before: "Google", New: true, Proven: true, Action: "/who", Fields: map[string]string{"request": hostile}}},
		"who, to be proven":    {"who", web.Who{Provider: hostile, Before: "Google", New: true, Action: "/who"}},
		"who, the same way":    {"who", web.Who{Provider: hostile, Before: hostile, New: true, Action: "/who"}},
		"who, somebody else":   {"who", web.Who{Provider: hostile, Before: hostile, Action: "/who"}},
		"who, to be added":     {"who", web.Who{Provider: hostile, Before: "Google", New: true, Adds: true, Proven: true, Action: "/who"}},
		"who, added already":   {"who", web.Who{Provider: hostile, Before: "Google", Adds: true, Yours: true, Guarded: true, Action: "/who"}},
		"who, of two accounts": {"who", web.Who{Provider: hostile, Before: hostile, Adds: true, Action: "/who"}},
		"who, of two, guarded": {"who", web.Who{Provider: hostile, Before: hostile, Adds: true, Guarded: true, Action: "/who"}},
		"before":               {"before", web.Before{App: hostile, Provider: hostile, Ways: ways, Action: "/before", Fields: map[string]string{"request": hostile}, Cancel: "/c"}},
		"choose, shared":       {"choose", web.Choose{Ways: ways, Share: "/shared", Shared: true, Fields: map[string]string{"request": hostile}}},
		"apart":                {"apart", web.Apart{Provider: hostile, Action: "/apart", Fields: map[string]string{"request": hostile}}},
		"apart, and new":       {"apart", web.Apart{Provider: hostile, New: true, Action: "/apart"}},
		"landed":               {"landed", web.Landed{App: hostile, To: "https://tax.example/?x=" + hostile}},
		"landed with proof":    {"landed", web.Landed{App: hostile, To: "https://tax.example/", Proved: true}},
		"sign out":             {"sign_out", web.SignOut{Action: "/sign-out", Fields: map[string]string{"request": hostile}, Stay: "/"}},
		"unsolicited":          {"unsolicited", web.Unsolicited{Provider: hostile, SignedIn: true, Action: "/unsolicited/works", Fields: map[string]string{"answer": hostile}, Cancel: "/"}},
		"signed out":           {"signed_out", web.SignedOut{}},
		"signed out of an app": {"signed_out", web.SignedOut{App: hostile, Back: "https://tax.example/?x=" + hostile, Providers: []string{hostile}}},
		"signed out of two":    {"signed_out", web.SignedOut{Providers: []string{hostile, "Google"}}},
		"signed out partly":    {"signed_out", web.SignedOut{Ended: []string{hostile}, Failed: []string{hostile, "Waste"}, Unable: []string{hostile}, AnyProvider: true}},
		"home":                 {"home", web.Home{SignIn: "/sign-in"}},
	}
	maps.Copy(pages, councilPages())
	maps.Copy(pages, residentPages())
	maps.Copy(pages, consentPages())
	return pages
}

func pageSite(t testing.TB) *site {
	s := newSite(t, web.Options{Look: web.Look{
		Council: "Strathmore & Isles " + hostile, Logo: []byte("<svg/>"), LogoType: "image/svg+xml",
		Help: "https://council.example/help", Privacy: "https://council.example/privacy", Accessibility: "https://council.example/a11y",
	}})
	s.handle("GET /error", func(http.ResponseWriter, *http.Request) error {
		return &web.Error{Status: 400, Message: web.SignInExpired, App: hostile, Back: "https://tax.example/?x=" + hostile}
	})
	s.handle("GET /post", func(w http.ResponseWriter, r *http.Request) error {
		return s.Post(w, r, "https://provider.example/sso", map[string]string{"RelayState": hostile})
	})
	s.handle("GET /onward", func(w http.ResponseWriter, r *http.Request) error {
		return s.Onward(w, r, "https://provider.example/slo?x="+hostile)
	})
	for name, p := range allPages() {
		s.handle("GET "+pathOf(name), func(w http.ResponseWriter, r *http.Request) error {
			return s.Page(w, r, http.StatusOK, p.page, p.data)
		})
	}
	return s
}

func pagePaths() []string {
	paths := []string{"/error", "/nowhere", "/post", "/onward"}
	for name := range allPages() {
		paths = append(paths, pathOf(name))
	}
	return paths
}

// pathOf is where a page of allPages is.
func pathOf(name string) string { return "/" + strings.NewReplacer(" ", "-", ",", "").Replace(name) }

// elements are all elements of the page.
func elements(t *testing.T, page io.Reader) []*html.Node {
	t.Helper()
	root, err := html.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	var all []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode {
			all = append(all, n)
		}
	}
	return all
}

func attr(n *html.Node, name string) (string, bool) {
	i := slices.IndexFunc(n.Attr, func(a html.Attribute) bool { return a.Key == name })
	if i < 0 {
		return "", false
	}
	return n.Attr[i].Val, true
}

func count(all []*html.Node, name string) int {
	n := 0
	for _, e := range all {
		if e.Data == name {
			n++
		}
	}
	return n
}

func TestEveryPageInEveryLanguage(t *testing.T) {
	s := pageSite(t)
	for _, lang := range []string{"en", "cy", "gd"} {
		for _, path := range pagePaths() {
			t.Run(lang+path, func(t *testing.T) {
				r := httptest.NewRequest("GET", path, nil)
				r.Header.Set("Accept-Language", lang)
				w := s.do(r)
				if got := w.Header().Get("Content-Language"); got != lang {
					t.Errorf("Content-Language %q", got)
				}
				if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
					t.Errorf("Content-Type %q", got)
				}
				body := w.Body.String()
				for _, text := range []string{hostile, "<no value>", "ZgotmplZ", "{{"} {
					if strings.Contains(body, text) {
						t.Errorf("page shows %s", text)
					}
				}
				all := elements(t, strings.NewReader(body))
				checkPolicy(t, all)
				checkStructure(t, all, lang)
			})
		}
	}
}

// checkPolicy holds a page to the Content-Security-Policy.
func checkPolicy(t *testing.T, all []*html.Node) {
	t.Helper()
	for _, e := range all {
		if e.Data == "style" || e.Data == "script" && e.FirstChild != nil {
			t.Errorf("there is a %s", e.Data)
		}
		for _, a := range e.Attr {
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s has the attribute %s", e.Data, a.Key)
			}
		}
		if src, ok := attr(e, "src"); ok && !strings.HasPrefix(src, "/assets/") {
			t.Errorf("%s from %s", e.Data, src)
		}
	}
}

// checkStructure holds a page to what assistive technology needs of it.
func checkStructure(t *testing.T, all []*html.Node, lang string) {
	t.Helper()
	for _, name := range []string{"title", "h1", "main", "header", "footer"} {
		if n := count(all, name); n != 1 {
			t.Errorf("%d elements %s, want 1", n, name)
		}
	}
	ids := map[string]bool{}
	for _, e := range all {
		if id, ok := attr(e, "id"); ok {
			if ids[id] {
				t.Errorf("id %s twice", id)
			}
			ids[id] = true
		}
		if got, _ := attr(e, "lang"); e.Data == "html" && got != lang {
			t.Errorf("html lang %q, want %q", got, lang)
		}
		if _, ok := attr(e, "alt"); e.Data == "img" && !ok {
			t.Error("an image without alt")
		}
		if href, _ := attr(e, "href"); e.Data == "a" && href == "" {
			t.Error("a link to nowhere")
		}
		if e.Data == "title" && e.FirstChild == nil {
			t.Error("an empty title")
		}
	}
	if !ids["main"] {
		t.Error("the skip link has no target")
	}
}

func TestStableIDs(t *testing.T) {
	s := pageSite(t)
	for path, ids := range map[string][]string{
		"/choose":              {"idp-google", "idp-test"},
		"/choose-for-an-app":   {"idp-google", "idp-test", "cancel"},
		"/choose-again":        {"notice", "cancel"},
		"/choose-more-surely":  {"idp-google", "later"},
		"/choose-more-safely":  {"idp-google", "cancel"},
		"/trouble-in-an-app":   {"again", "idp-google", "later", "cancel", "help", "reference"},
		"/in-an-app":           {"address", "again", "idp-google", "cancel"},
		"/who":                 {"join", "switch", "back"},
		"/who-to-be-proven":    {"again", "switch", "back"},
		"/who-somebody-else":   {"switch", "back"},
		"/who-to-be-added":     {"join", "back"},
		"/who-added-already":   {"back"},
		"/who-of-two-accounts": {"again", "back"},
		"/before":              {"idp-google", "idp-test", "first", "cancel"},
		"/choose-shared":       {"shared", "idp-google"},
		"/landed":              {"continue"},
		"/sign-out":            {"confirm-sign-out", "stay"},
		"/home":                {"sign-in"},
		"/error":               {"back", "reference"},
		"/post":                {"continue"},
	} {
		body := s.get(path).Body.String()
		for _, id := range ids {
			if !strings.Contains(body, fmt.Sprintf(` id=%q`, id)) {
				t.Errorf("%s: no id %s", path, id)
			}
		}
	}
}

func TestLastUsedWayComesFirst(t *testing.T) {
	s := pageSite(t)
	body := s.get("/choose").Body.String()
	last, other := strings.Index(body, "idp-test"), strings.Index(body, "idp-google")
	if last < 0 || other < last {
		t.Errorf("last used at %d, other at %d", last, other)
	}
	if !strings.Contains(body, "The way you used last time") || !strings.Contains(body, "Other ways to sign in") {
		t.Error("the two lists have no headings")
	}
}

func TestLinksBack(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		return s.Page(w, r, http.StatusOK, "signed_out", web.SignedOut{App: "X", Back: r.FormValue("to")})
	})
	for _, tt := range []struct{ to, want string }{
		{"https://tax.example/done?state=1", "https://tax.example/done?state=1"},
		{"uk.gov.example.app:/done", "uk.gov.example.app:/done"},
		{`uk.gov.example.app:"><script>`, "uk.gov.example.app:%22%3e%3cscript%3e"},
		{"javascript:alert(1)", "#ZgotmplZ"},
		{"JavaScript:alert('a.b')", "#ZgotmplZ"},
		{"java\tscript:alert(1)", "#ZgotmplZ"},
		{"data:text/html,a.b", "#ZgotmplZ"},
	} {
		body := s.get("/?to=" + url.QueryEscape(tt.to)).Body.String()
		if want := `id="back" href="` + tt.want + `"`; !strings.Contains(body, want) {
			t.Errorf("%s: page lacks %s", tt.to, want)
		}
	}
}

func TestNotices(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /choose", func(w http.ResponseWriter, r *http.Request) error {
		return s.Page(w, r, http.StatusOK, "choose", web.Choose{Notice: r.FormValue("n"), NoticeArg: "Google"})
	})
	for _, outcome := range []string{"ended_hijacked", "ended_disabled", "ended_gone", "ended_credential", "ended_unsaid"} {
		w := s.get("/choose?n=" + outcome)
		if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `role="alert"`) || !strings.Contains(w.Body.String(), "Google") {
			t.Errorf("%s: %d without a notice about Google", outcome, w.Code)
		}
	}
	if body := s.get("/choose").Body.String(); strings.Contains(body, `role="alert"`) {
		t.Error("a notice about nothing")
	}
}

// Whatever went wrong, the page names the provider and says how to go on.
func TestTrouble(t *testing.T) {
	s := newSite(t, web.Options{Look: web.Look{Help: "https://council.example/help"}})
	s.handle("GET /trouble", func(w http.ResponseWriter, r *http.Request) error {
		return s.Page(w, r, http.StatusOK, "trouble", web.Trouble{
			Choose: web.Choose{App: "Council tax", Notice: r.FormValue("n"), NoticeArg: "Google", Cancel: "/cancel"}, Reference: "ABCD2345",
		})
	})
	for _, outcome := range []string{
		"cancelled", "declined", "no_consent", "try_later", "unavailable", "refused", "misconfigured", "not_allowed", "unmet", "too_young", "gone",
		"frozen_hijacked", "frozen_disabled", "frozen_gone", "frozen_credential", "frozen_unsaid",
	} {
		w := s.get("/trouble?n=" + outcome)
		for _, want := range []string{"Google", `id="cancel"`, "return to Council tax", `id="help"`, "ABCD2345"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: %d without %s", outcome, w.Code, want)
			}
		}
	}
}

func TestLanguageLinks(t *testing.T) {
	s := pageSite(t)
	w := s.get("/choose?request=a%2Fb&x=1")
	const want = `href="/language?set=cy&amp;return=%2Fchoose%3Frequest%3Da%252Fb%26x%3D1" rel="alternate nofollow" lang="cy" hreflang="cy">Cymraeg</a>`
	if !strings.Contains(w.Body.String(), want) {
		t.Errorf("page lacks %s", want)
	}
	if body := s.get("/signed-out?id_token_hint=SECRET").Body.String(); strings.Contains(body, "SECRET") || strings.Contains(body, "/language") {
		t.Error("the page after signing out offers to sign out again")
	}
	// A code that is spent must not be kept in a link.
	if body := s.get("/error?code=SECRET").Body.String(); strings.Contains(body, "SECRET") || strings.Contains(body, "/language") {
		t.Error("the page of an error offers its own address again")
	}
}

func BenchmarkChoose(b *testing.B) {
	s := pageSite(b)
	data := allPages()["choose for an app"].data
	r := httptest.NewRequest("GET", "/choose?request=abcdefghijklmnop", nil)
	r.Header.Set("Accept-Language", "en-GB,en;q=0.9")
	for b.Loop() {
		if err := s.Page(discard{http.Header{}}, r, http.StatusOK, "choose", data); err != nil {
			b.Fatal(err)
		}
	}
}
