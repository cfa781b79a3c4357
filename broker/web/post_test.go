package web_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/web"
)

func TestPost(t *testing.T) {
	s := pageSite(t)
	w := s.get("/post")
	body := w.Body.String()
	for _, want := range []string{`<form method="post" action="https://provider.example/sso"`, `name="RelayState" value="&#34;&gt;&lt;script&gt;`, `/post.js" defer>`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s:\n%s", want, body)
		}
	}
	if strings.Contains(body, "/language?") {
		t.Error("the page can be asked for again in another language")
	}
	// The page's own script and no other's; and Chromium holds form-action
	// against redirects after the post.
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'; script-src 'self';") || strings.Contains(policy, "form-action") {
		t.Errorf("policy %s", policy)
	}
	if w := s.get("/assets/x/post.js"); w.Code != 200 || w.Header().Get("Content-Type") != "text/javascript; charset=utf-8" {
		t.Errorf("the script: %d %s", w.Code, w.Header().Get("Content-Type"))
	}
}

func TestOnward(t *testing.T) {
	w := pageSite(t).get("/onward")
	if body := w.Body.String(); !strings.Contains(body, `id="continue" href="https://provider.example/slo?x=%22%3e%3cscript%3e`) || !strings.Contains(body, `/post.js" defer>`) {
		t.Errorf("the page:\n%s", body)
	}
	s := newSite(t, web.Options{})
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error { return s.Onward(w, r, "javascript:alert(1)") })
	if w := s.get("/"); w.Code != http.StatusInternalServerError {
		t.Errorf("leads to a script: %d", w.Code)
	}
}

// A sign-out that the resident agrees to goes on from app to app, and what they say of a
// sign-in leads to the app that waits for it.
func TestFormsLeadElsewhere(t *testing.T) {
	s := pageSite(t)
	leading := []string{"sign_out", "who", "before", "apart", "consent", "acting", "unsolicited"}
	seen := map[string]bool{}
	for name, p := range allPages() {
		if !slices.Contains(leading, p.page) {
			continue
		}
		seen[p.page] = true
		policy := s.get(pathOf(name)).Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'; style-src 'self'; img-src 'self'; frame-ancestors 'none'") || strings.Contains(policy, "form-action") {
			t.Errorf("%s: policy %s", name, policy)
		}
	}
	if len(seen) != len(leading) {
		t.Errorf("seen %v", seen)
	}
}

func TestSignedOutSaysWhatIsKnown(t *testing.T) {
	s := newSite(t, web.Options{})
	page := web.SignedOut{}
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		return s.Page(w, r, http.StatusOK, "signed_out", page)
	})
	const whole, partly, somewhere = "<h1 class=\"govuk-heading-l\">You are signed out</h1>", "You are signed out here, but not everywhere", "You may still be signed in to"
	for _, tt := range []struct {
		page   web.SignedOut
		has    []string
		hasNot []string
	}{
		{web.SignedOut{}, []string{whole}, []string{partly, somewhere, "<li>"}},
		{web.SignedOut{AnyProvider: true}, []string{whole, somewhere + " the account"}, []string{partly}},
		{web.SignedOut{Providers: []string{"Google"}, Unable: []string{"Tax"}}, []string{whole, somewhere + " Google", "<li>Tax</li>"}, []string{partly}},
		{web.SignedOut{Ended: []string{"Tax"}, Failed: []string{"Waste"}}, []string{partly, "<li>Tax</li>", "<li>Waste</li>"}, []string{whole, somewhere}},
	} {
		page = tt.page
		body := s.get("/").Body.String()
		for _, text := range tt.has {
			if !strings.Contains(body, text) {
				t.Errorf("%+v: the page lacks %s", tt.page, text)
			}
		}
		for _, text := range tt.hasNot {
			if strings.Contains(body[strings.Index(body, "<main"):], text) {
				t.Errorf("%+v: the page has %s", tt.page, text)
			}
		}
	}
}

// Only the pages of Post and Onward may run a script, those that ask a device for a
// passkey, and residents' own.
func TestOtherPagesRunNoScript(t *testing.T) {
	s := pageSite(t)
	may := []string{"/post", "/onward"}
	for name, p := range allPages() {
		if slices.Contains([]string{"council_sign_in", "council_passkey", "council_account"}, p.page) || strings.HasPrefix(p.page, "resident_") {
			may = append(may, pathOf(name))
		}
	}
	for _, path := range pagePaths() {
		w := s.get(path)
		if !slices.Contains(may, path) && (strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src")) {
			t.Errorf("%s runs a script", path)
		}
	}
}

func TestPostGoesNowhereElse(t *testing.T) {
	s := newSite(t, web.Options{})
	s.handle("GET /post", func(w http.ResponseWriter, r *http.Request) error {
		return s.Post(w, r, r.FormValue("to"), nil)
	})
	for _, to := range []string{"", "/sso", "//provider.example", "javascript:alert(1)", "mailto:a@b.example", "data:text/html,x", "https:", "https://a b/"} {
		if w := s.get("/post?to=" + strings.ReplaceAll(to, " ", "%20")); w.Code != http.StatusInternalServerError {
			t.Errorf("post to %q: %d", to, w.Code)
		}
	}
}
