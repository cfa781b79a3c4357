package web_test

import (
	"net/http"
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

// Only the page of Post may run a script.
func TestOtherPagesRunNoScript(t *testing.T) {
	s := pageSite(t)
	for _, path := range pagePaths() {
		w := s.get(path)
		if path != "/post" && (strings.Contains(w.Body.String(), "<script") || strings.Contains(w.Header().Get("Content-Security-Policy"), "script-src")) {
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
