package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io/fs"
	"net/http"
	"net/url"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
)

//go:embed templates/*.html templates/parts/*.html
var templateFiles embed.FS

// pageNames are the pages, templates/NAME.html each.
func pageNames() ([]string, error) {
	files, err := fs.Glob(templateFiles, "templates/*.html")
	var names []string
	for _, file := range files {
		if name := strings.TrimSuffix(path.Base(file), ".html"); name != "layout" {
			names = append(names, name)
		}
	}
	return names, err
}

// pageKey names one page in one language.
type pageKey struct{ name, lang string }

// page parses a page in a language, at the first call.
type page func() (*template.Template, error)

// preparePages has every page in every language. A page's functions already know
// its language, so that nothing is bound per request. It is parsed when it is
// first asked for: parsed pages and their texts are most of what an idle broker would
// hold, and nobody ever sees half of them.
func preparePages(look Look, a assets) (map[pageKey]page, error) {
	names, err := pageNames()
	if err != nil {
		return nil, err
	}
	pages := map[pageKey]page{}
	for _, lang := range look.Languages {
		functions := template.FuncMap{
			"t":     catalogue(lang),
			"look":  func() Look { return look },
			"asset": a.url,
			"link":  link,
		}
		for _, name := range names {
			pages[pageKey{name, lang}] = sync.OnceValues(func() (*template.Template, error) {
				return template.New("layout.html").Funcs(functions).ParseFS(templateFiles, filesOf(name)...)
			})
		}
	}
	return pages, nil
}

// filesOf are what a page is made of. Those of a room, ROOM_PAGE, share the parts
// in templates/parts/ROOM.html, where there are any.
func filesOf(page string) []string {
	files := []string{"templates/layout.html", "templates/" + page + ".html"}
	room, _, _ := strings.Cut(page, "_")
	if parts := "templates/parts/" + room + ".html"; isFile(parts) {
		files = append(files, parts)
	}
	return files
}

func isFile(name string) bool {
	_, err := fs.Stat(templateFiles, name)
	return err == nil
}

// link lets address lead to a native app. html/template blocks schemes that it
// does not know; those of apps are domain names (RFC 8252 §7.1), which no
// scheme that runs script is.
func link(address string) any {
	if u, err := url.Parse(address); err == nil && strings.Contains(u.Scheme, ".") {
		return template.URL(address)
	}
	return address
}

// layout is what templates/layout.html sees; the page's own templates see
// Data.
type layout struct {
	Page      string // NAME
	Lang      string
	Languages []languageLink
	Data      any
}

// languageLink is one choice of the language switch.
type languageLink struct {
	Lang, Name string
	URL        string // "" for the page's own language
}

// Page answers with templates/NAME.html in the language of the request. The
// data of the pages are the structs of their names in this package.
func (s *Site) Page(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	lang := s.Language(r)
	parsed, ok := s.pages[pageKey{name, lang}]
	if !ok {
		return fmt.Errorf("there is no page %q", name)
	}
	p, err := parsed()
	if err != nil {
		return fmt.Errorf("parse page %s: %w", name, err)
	}
	var out bytes.Buffer
	if err := p.Execute(&out, layout{Page: name, Lang: lang, Languages: s.languageLinks(r, status, name, lang), Data: data}); err != nil {
		return fmt.Errorf("render page: %w", err)
	}
	h := w.Header()
	if own, ok := policies[name]; ok {
		h.Set("Content-Security-Policy", own)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", lang)
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	w.WriteHeader(status)
	_, err = out.WriteTo(w)
	return err
}

// spent are pages that are shown once: their address leads elsewhere when it is
// asked for again.
var spent = []string{"onward", "post", "signed_out"}

// languageLinks is the language switch of the page. There is none where
// asking for the same address again would not show the same page: after a
// post, and after an error, whose address may carry a code that is spent, too.
func (s *Site) languageLinks(r *http.Request, status int, name, current string) []languageLink {
	again := r.Method == http.MethodGet && status == http.StatusOK && !slices.Contains(spent, name)
	if len(s.look.Languages) < 2 || !again {
		return nil
	}
	links := make([]languageLink, len(s.look.Languages))
	back := url.QueryEscape(r.URL.RequestURI())
	for i, lang := range s.look.Languages {
		links[i] = languageLink{Lang: lang, Name: languageNames[lang]}
		if lang != current {
			links[i].URL = "/language?set=" + lang + "&return=" + back
		}
	}
	return links
}

// Choose is the page on which a resident chooses how to sign in.
type Choose struct {
	App       string // name of the service, or ""
	Notice    string // what has happened, or "": as in notice.NOTICE.text
	NoticeArg string // the way that Notice is about, as in Way.Label
	More      string // what the service needs besides of somebody who is signed in: MoreSure, MoreSafe, or ""
	Ways      []Way
	Later     string // where going on without leads, if the service would only like to know more; "" leaves it out
	Cancel    string // where Cancel leads; "" leaves it out

	// Share is where it is posted whether others use the browser; "" leaves that out.
	Share  string
	Shared bool              // they do
	Fields map[string]string // hidden fields of the form
}

// What a service may need more.
const (
	MoreSure = "sure" // to be more sure who somebody is
	MoreSafe = "safe" // a safer sign-in
)

// Trouble is the page after a visit to a provider that did not work, and the one
// before a visit that would not.
type Trouble struct {
	Choose           // Notice says what happened; Ways are the other ways
	Again     string // where trying the same way again leads; "" leaves it out
	Address   string // of the service, to be opened in another browser
	Reference string // finds the line in the log
}

// Landed is the page of somebody who has come back from afar.
type Landed struct {
	App, To string // name of the service that they go on to, and where that is
	Proved  bool   // they have proved who they are
}

// Way is one way to sign in.
type Way struct {
	ID    string // of the connector
	Label string // as in Google
	Hint  string // a line below it, or ""
	URL   string // that starts the sign-in
	Last  bool   // the way that this browser used last time
}

// Last are the ways that the browser used last time.
func (c Choose) Last() []Way {
	return slices.DeleteFunc(slices.Clone(c.Ways), func(w Way) bool { return !w.Last })
}

// Others are the ways that are not Last.
func (c Choose) Others() []Way {
	return slices.DeleteFunc(slices.Clone(c.Ways), func(w Way) bool { return w.Last })
}

// SignOut is the page that asks whether to sign out (OpenID Connect
// RP-Initiated Logout §2: an unasked-for sign-out must be confirmed).
type SignOut struct {
	Action string            // where the confirmation is posted
	Fields map[string]string // hidden fields of the form
	Stay   string            // where "Stay signed in" leads; "" leaves it out
}

// Unsolicited is the page that asks whether to sign in whom a provider sent
// without having been asked.
type Unsolicited struct {
	Provider string            // as in Way.Label
	SignedIn bool              // somebody is signed in, who will be signed out
	Action   string            // where the confirmation is posted
	Fields   map[string]string // hidden fields of the form
	Cancel   string            // where Cancel leads
}

// SignedOut is the page after signing out.
type SignedOut struct {
	App, Back string   // name and address of the service to return to; "" leaves it out
	Providers []string // the ways in where the resident may still be signed in, as in Way.Label
	Ended     []string // names of the services that have signed the resident out,
	Failed    []string // of those that were told and did not,
	Unable    []string // and of those that cannot be told
	// AnyProvider is true where nobody knows which way was used.
	AnyProvider bool
}

// Provider is the only one of Providers, or "".
func (s SignedOut) Provider() string {
	if len(s.Providers) != 1 {
		return ""
	}
	return s.Providers[0]
}

// Home is the page at the broker's own address, where nobody is signed in.
type Home struct {
	SignIn string // where "Sign in" leads
}

// errorPage is the page of every Error.
type errorPage struct {
	Message, App, Back, Reference string
}
