package web

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/language"
)

// languageNames are the languages that there are catalogues for, each in its
// own words.
var languageNames = map[string]string{"en": "English", "cy": "Cymraeg", "gd": "Gàidhlig"}

// The cookies that remember a language: chosen by the person, for a year, and
// asked for by an app, until the browser is closed.
const (
	chosenCookie = "lang"
	askedCookie  = "ui-locales"
	chosenFor    = 365 * 24 * time.Hour
)

// Language is the language of the answer to r: what the person chose, else
// what the app asked for, else what the browser asks for, else the council's
// first.
func (s *Site) Language(r *http.Request) string {
	if lang, ok := s.languageCookie(r, chosenCookie); ok {
		return lang
	}
	if lang, ok := s.askedLanguage(r); ok {
		return lang
	}
	tags, _, _ := language.ParseAcceptLanguage(r.Header.Get("Accept-Language"))
	if lang, ok := s.match(tags); ok {
		return lang
	}
	return s.look.Languages[0]
}

// SetLocales remembers the languages that an app asked for, in order of
// preference (ui_locales, OpenID Connect Core §3.1.2.1), for this request and
// for the rest of the sign-in. An app that asks for none, or for none that
// there is, takes back what an earlier one asked for.
func (s *Site) SetLocales(w http.ResponseWriter, r *http.Request, locales []string) {
	var tags []language.Tag
	for _, locale := range locales {
		if tag, err := language.Parse(locale); err == nil {
			tags = append(tags, tag)
		}
	}
	lang, ok := s.match(tags)
	if ok {
		s.SetCookie(w, askedCookie, lang, 0)
	} else if _, stale := s.languageCookie(r, askedCookie); stale {
		s.SetCookie(w, askedCookie, "", -1)
	}
	x := exchangeOf(r)
	x.localesSet, x.asked = true, ""
	if ok {
		x.asked = lang
	}
}

// askedLanguage is the language that the app asked for, in this request or in
// an earlier one of the same sign-in.
func (s *Site) askedLanguage(r *http.Request) (string, bool) {
	if x := exchangeOf(r); x.localesSet {
		return x.asked, x.asked != ""
	}
	return s.languageCookie(r, askedCookie)
}

func (s *Site) match(tags []language.Tag) (string, bool) {
	_, i, confidence := s.matcher.Match(tags...)
	return s.look.Languages[i], confidence != language.No
}

func (s *Site) languageCookie(r *http.Request, name string) (string, bool) {
	c, err := r.Cookie(s.Cookie(name))
	if err != nil || !slices.Contains(s.look.Languages, c.Value) {
		return "", false
	}
	return c.Value, true
}

// switchLanguage keeps the language that the person chose and goes back to
// the page they came from.
func (s *Site) switchLanguage(w http.ResponseWriter, r *http.Request) error {
	lang := r.FormValue("set")
	if !slices.Contains(s.look.Languages, lang) {
		return &Error{Status: http.StatusBadRequest, Message: NotFound, Err: errors.New("no such language is offered")}
	}
	s.SetLanguage(w, lang)
	http.Redirect(w, r, localPath(r.FormValue("return")), http.StatusSeeOther)
	return nil
}

// SetLanguage keeps the language that the person chose, for this browser. It must be
// one of the site's.
func (s *Site) SetLanguage(w http.ResponseWriter, lang string) {
	s.SetCookie(w, chosenCookie, lang, chosenFor)
}

// LanguageName is what its speakers call a language.
func LanguageName(lang string) string { return languageNames[lang] }

// localPath returns address where it is a path of the broker's own, with its
// query, and "/" otherwise: a switch of languages must not be an open redirect
// (RFC 9700 §4.11). Browsers read a backslash as a slash and so "/\host" as
// another host.
func localPath(address string) string {
	u, err := url.Parse(address) // refuses control characters, which browsers drop
	if err != nil || !strings.HasPrefix(address, "/") || strings.HasPrefix(address, "//") || strings.Contains(address, `\`) {
		return "/"
	}
	return u.RequestURI()
}
