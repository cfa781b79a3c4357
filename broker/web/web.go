package web

// STUB: signatures agreed; implementation follows.

import (
	"log/slog"
	"net/http"
	"net/netip"
)

// Handler answers a request or returns an error; errors are written in one place.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Error is an error with what people are told of it.
type Error struct {
	Status  int
	Message string // key of the catalogue: the page's heading is MESSAGE.title, its text MESSAGE.text
	Back    string // where the page's button leads; "" leaves it out
	Err     error  // for the log
}

func (e *Error) Error() string { panic("stub") }
func (e *Error) Unwrap() error { panic("stub") }

// Look is the council's face, from config.
type Look struct {
	Council, Colour              string
	Logo                         []byte
	LogoType                     string
	Languages                    []string
	Help, Privacy, Accessibility string
}

type Options struct {
	Look    Look
	Proxies []netip.Prefix
	Secure  bool // the issuer is https: __Host- cookies, HSTS
	Log     *slog.Logger
}

// Site renders pages and writes errors.
type Site struct{}

func New(o Options) (*Site, error) { panic("stub") }

// Mount adds the assets and the language switch.
func (s *Site) Mount(mux *http.ServeMux) { panic("stub") }

// Handle turns a Handler into an http.Handler: errors are logged and shown with a reference.
func (s *Site) Handle(h Handler) http.Handler { panic("stub") }

// Protect wraps the whole mux: request log, reference, security headers, body limit, cross-origin protection.
func (s *Site) Protect(next http.Handler) http.Handler { panic("stub") }

// Page renders templates/NAME.html.
func (s *Site) Page(w http.ResponseWriter, r *http.Request, status int, name string, data any) error {
	panic("stub")
}

// Language of the request: cookie, then ui_locales set by SetLocales, then Accept-Language.
func (s *Site) Language(r *http.Request) string { panic("stub") }

// Address is the client's address, past the trusted proxies.
func (s *Site) Address(r *http.Request) netip.Addr { panic("stub") }

// Annotate adds an attribute to the request's log line.
func Annotate(r *http.Request, attrs ...slog.Attr) { panic("stub") }
