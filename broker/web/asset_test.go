package web_test

import (
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/councilid/councilid/broker/web"
)

func TestAssetsOfAPage(t *testing.T) {
	s := pageSite(t)
	types := map[string]string{
		"councilid.css": "text/css; charset=utf-8", "look.css": "text/css; charset=utf-8",
		"favicon.svg": "image/svg+xml", "logo": "image/svg+xml",
	}
	for _, m := range regexp.MustCompile(`"(/assets/[0-9a-f]{12}/([^"]+))"`).FindAllStringSubmatch(s.get("/home").Body.String(), -1) {
		w := s.get(m[1])
		if w.Code != 200 || w.Header().Get("Content-Type") != types[m[2]] {
			t.Errorf("%s: %d %s", m[1], w.Code, w.Header().Get("Content-Type"))
		}
		if got := w.Header().Get("Cache-Control"); got != "public, max-age=31536000, immutable" {
			t.Errorf("%s: Cache-Control %q", m[1], got)
		}
		delete(types, m[2])
	}
	if len(types) != 0 {
		t.Errorf("the page does not refer to %v", types)
	}
}

func TestAssetOfAnotherVersion(t *testing.T) {
	s := newSite(t, web.Options{})
	w := s.get("/assets/000000000000/councilid.css")
	if w.Code != 200 || w.Header().Get("Cache-Control") != "no-cache" {
		t.Errorf("%d with Cache-Control %q, want 200 that is not kept", w.Code, w.Header().Get("Cache-Control"))
	}
	for _, target := range []string{"/assets/000000000000/logo", "/assets/000000000000/none", "/assets/000000000000/../web.go"} {
		if w := s.get(target); w.Code == 200 {
			t.Errorf("%s: %d", target, w.Code)
		}
	}
}

func TestAssetsAreCompressed(t *testing.T) {
	s := newSite(t, web.Options{})
	want := read(t, "assets/councilid.css")
	r := httptest.NewRequest("GET", "/assets/x/councilid.css", nil)
	r.Header.Set("Accept-Encoding", "br, gzip")
	w := s.do(r)
	if w.Header().Get("Content-Encoding") != "gzip" || w.Header().Get("Vary") != "Accept-Encoding" {
		t.Fatalf("headers %v", w.Header())
	}
	z, err := gzip.NewReader(w.Body)
	if err != nil {
		t.Fatal(err)
	}
	got, err := io.ReadAll(z)
	if err != nil || string(got) != want {
		t.Errorf("other bytes than the file's, %v", err)
	}
	if w := s.get("/assets/x/councilid.css"); w.Header().Get("Content-Encoding") != "" || w.Body.String() != want {
		t.Error("compressed for a browser that did not ask for it")
	}
}

func TestLookStylesheet(t *testing.T) {
	s := newSite(t, web.Options{Look: web.Look{Colour: "#00703c"}})
	if got := s.get("/assets/x/look.css").Body.String(); got != ":root{--govuk-brand-colour:#00703c}\n" {
		t.Errorf("look.css is %q", got)
	}
}

func TestStylesheetIsBuiltFromItsSources(t *testing.T) {
	sum := sha256.New()
	for _, name := range []string{"main.scss", "package-lock.json"} {
		io.WriteString(sum, read(t, "assets/src/"+name))
	}
	if want := hex.EncodeToString(sum.Sum(nil)); !strings.Contains(read(t, "assets/councilid.css"), want) {
		t.Errorf("assets/councilid.css is older than its sources %s: see assets/src/build.mjs", want)
	}
}

// Councils may use neither the font nor the arms, and the policy lets no other
// host in.
func TestStylesheetIsOurs(t *testing.T) {
	css := read(t, "assets/councilid.css")
	for _, text := range []string{"GDS Transport", "@font-face", "url(", "@import", "crest"} {
		if strings.Contains(css, text) {
			t.Errorf("the style sheet has %s", text)
		}
	}
	if !strings.Contains(css, "GOV.UK Frontend") {
		t.Error("the style sheet lacks GOV.UK Frontend's notice")
	}
}
