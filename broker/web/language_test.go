package web_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/web"
)

func TestLanguage(t *testing.T) {
	for _, tt := range []struct {
		name               string
		chosen, app, asked string // cookie, cookie, Accept-Language
		offered            []string
		want               string
	}{
		{name: "nothing said", want: "en"},
		{name: "nothing said to a Welsh council", offered: []string{"cy", "en"}, want: "cy"},
		{name: "browser", asked: "cy-GB, en;q=0.8", want: "cy"},
		{name: "browser's second", asked: "fr, gd;q=0.5", want: "gd"},
		{name: "browser with none that there is", asked: "fr, de", offered: []string{"cy", "en"}, want: "cy"},
		{name: "browser with rubbish", asked: ";;;=", want: "en"},
		{name: "app before browser", app: "gd", asked: "cy", want: "gd"},
		{name: "person before app", chosen: "cy", app: "gd", asked: "en", want: "cy"},
		{name: "cookie of a language no longer offered", chosen: "gd", asked: "cy", offered: []string{"en", "cy"}, want: "cy"},
		{name: "cookie with rubbish", chosen: "../x", want: "en"},
	} {
		s := newSite(t, web.Options{Secure: true, Look: web.Look{Languages: tt.offered}})
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", tt.asked)
		r.AddCookie(&http.Cookie{Name: "__Host-lang", Value: tt.chosen})
		r.AddCookie(&http.Cookie{Name: "__Host-ui-locales", Value: tt.app})
		if got := s.Language(r); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSetLocales(t *testing.T) {
	for _, tt := range []struct {
		name    string
		before  string // what an earlier request of an app asked for
		locales []string
		want    string
		cookie  string // value; "-" is removed, "" left alone
	}{
		{"first that there is", "", []string{"fr", "gd", "cy"}, "gd", "gd"},
		{"regional", "", []string{"cy-GB"}, "cy", "cy"},
		{"none", "", nil, "en", ""},
		{"none that there is", "", []string{"fr"}, "en", ""},
		{"rubbish", "", []string{"\x00", "x_y_z!"}, "en", ""},
		{"another than before", "cy", []string{"gd"}, "gd", "gd"},
		{"none any more", "cy", nil, "en", "-"},
	} {
		s := newSite(t, web.Options{})
		var got string
		s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
			s.SetLocales(w, r, tt.locales)
			got = s.Language(r)
			return nil
		})
		r := httptest.NewRequest("GET", "/", nil)
		if tt.before != "" {
			r.AddCookie(&http.Cookie{Name: "ui-locales", Value: tt.before})
		}
		cookies := s.do(r).Result().Cookies()
		if got != tt.want {
			t.Errorf("%s: language %s, want %s", tt.name, got, tt.want)
		}
		cookie := ""
		if len(cookies) == 1 {
			cookie = cookies[0].Value
			if cookies[0].MaxAge < 0 {
				cookie = "-"
			}
		}
		if cookie != tt.cookie {
			t.Errorf("%s: cookie %q, want %q", tt.name, cookie, tt.cookie)
		}
	}
}

func TestLanguageSwitchStaysHere(t *testing.T) {
	s := newSite(t, web.Options{})
	for _, tt := range []struct{ back, want string }{
		{"/choose?request=a%2Fb&x=1", "/choose?request=a%2Fb&x=1"},
		{"/", "/"},
		{"", "/"},
		{"choose", "/"},
		{"https://evil.example/", "/"},
		{"HTTPS://evil.example/", "/"},
		{"//evil.example/", "/"},
		{"///evil.example/", "/"},
		{"/\\evil.example/", "/"},
		{"\\\\evil.example/", "/"},
		{"/x\\..\\..\\evil.example", "/"},
		{"/\t/evil.example/", "/"},
		{"/\n/evil.example/", "/"},
		{"\x00//evil.example/", "/"},
		{" //evil.example/", "/"},
		{"/..//evil.example/", "/evil.example/"},
		{"/.//evil.example/", "/evil.example/"},
		{"/%2F/evil.example/", "/%2F/evil.example/"},
		{"javascript:alert(1)", "/"},
		{"mailto:x@evil.example", "/"},
		{"/x\r\nSet-Cookie: a=b", "/"},
		{"/choose#fragment", "/choose"},
		{"/%zz", "/"},
	} {
		w := s.get("/language?set=cy&return=" + url.QueryEscape(tt.back))
		if got := w.Header().Get("Location"); w.Code != 303 || got != tt.want {
			t.Errorf("return %q: %d to %q, want 303 to %q", tt.back, w.Code, got, tt.want)
		}
	}
}

func TestLanguageSwitchKeepsTheChoice(t *testing.T) {
	s := newSite(t, web.Options{Secure: true})
	c := s.get("/language?set=cy&return=/").Result().Cookies()[0]
	if c.Name != "__Host-lang" || c.Value != "cy" || c.MaxAge < int((300*24*time.Hour).Seconds()) {
		t.Errorf("cookie %v", c)
	}
	if !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
		t.Errorf("cookie with attributes %v", c)
	}
	for _, lang := range []string{"fr", "", "en-GB"} {
		w := s.get("/language?return=/&set=" + lang)
		if w.Code != 400 || len(w.Result().Cookies()) != 0 {
			t.Errorf("set=%s: %d with cookies %v", lang, w.Code, w.Result().Cookies())
		}
	}
}

func TestCookie(t *testing.T) {
	for secure, want := range map[bool]string{true: "__Host-x", false: "x"} {
		s := newSite(t, web.Options{Secure: secure})
		if got := s.Cookie("x"); got != want {
			t.Errorf("Cookie under https %v is %s, want %s", secure, got, want)
		}
	}
}
