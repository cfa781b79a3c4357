// Package web is the broker's face: the pages that residents see, in the
// council's colours and in their language, and what every request passes
// through on its way to a handler.
//
// Its rules:
//
//   - Handlers return errors. One place picks the status, writes the page and
//     hands the cause to the request's one log line; the page and the line
//     carry the same reference, so that a resident on the telephone can be
//     helped.
//   - What people read is chosen by the key of a message; the text of a Go
//     error never reaches them.
//   - A log line names the route, never the address that was asked for: queries
//     carry codes and states.
//   - Pages work without JavaScript, and the Content-Security-Policy allows
//     neither script nor inline style. Three scripts are ours: the form that
//     takes a message to another site presses its own button, passkeys are
//     asked for, and residents are warned before they are signed out; without
//     them people are shown another way.
//   - Nothing is parsed or computed per request that can be made once.
package web

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/text/language"
)

// Options of a Site.
type Options struct {
	Look    Look
	Proxies []netip.Prefix // whose X-Forwarded-For is believed
	Secure  bool           // the issuer is https: __Host- cookies, HSTS
	Log     *slog.Logger

	// CrossOrigin are the patterns of http.ServeMux to which another site's
	// page may post: authorization and sign-out requests, and endpoints that do
	// not look at cookies. Example: POST /authorize
	CrossOrigin []string

	// Large are the patterns of http.ServeMux whose requests may have larger
	// bodies than 64 KiB, and how large. Example: POST /callback/{connector}
	Large map[string]int64

	// Translate says what people are told of an error of a room that this one
	// does not know: an outage, a rate limit. Of others it says nothing (nil),
	// and people are told that it is our fault. Optional.
	Translate func(error) *Error

	// Observe is told of every request when it ends. Optional.
	Observe func(route string, status int, took time.Duration)
}

// Site renders pages and writes errors. Its methods may be called by many
// requests at once.
type Site struct {
	look        Look
	proxies     []netip.Prefix
	secure      bool
	log         *slog.Logger
	translate   func(error) *Error
	observe     func(route string, status int, took time.Duration)
	crossOrigin *http.CrossOriginProtection
	bodies      bodies
	headers     http.Header
	matcher     language.Matcher
	assets      assets
	pages       map[pageKey]page
}

// New returns the site, which has all its pages in all its languages.
func New(o Options) (*Site, error) {
	if o.Log == nil {
		return nil, errors.New("a site needs a log")
	}
	look, err := o.Look.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Site{
		look:        look,
		proxies:     o.Proxies,
		secure:      o.Secure,
		log:         o.Log,
		translate:   o.Translate,
		observe:     o.Observe,
		crossOrigin: http.NewCrossOriginProtection(),
		bodies:      newBodies(o.Large),
		headers:     securityHeaders(o.Secure),
		matcher:     look.matcher(),
	}
	for _, pattern := range o.CrossOrigin {
		s.crossOrigin.AddInsecureBypassPattern(pattern)
	}
	s.assets = newAssets(look)
	if s.pages, err = preparePages(look, s.assets); err != nil {
		return nil, err
	}
	return s, nil
}

// Mount adds the assets and the language switch.
func (s *Site) Mount(mux *http.ServeMux) {
	mux.Handle("GET /assets/{hash}/{name}", s.Handle(s.serveAsset))
	mux.Handle("GET /language", s.Handle(s.switchLanguage))
}

// Handler answers a request or returns an error; it never does both.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Handle makes a Handler an http.Handler: its errors become pages.
func (s *Site) Handle(h Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	})
}
