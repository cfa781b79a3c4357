package broker

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
)

// crossOrigin are the addresses that other sites post to by design. None of
// them acts on a cookie: those of browsers answer with a redirect to a GET, the
// others authenticate by what is posted.
var crossOrigin = []string{
	"POST /authorize", "POST /end_session",
	"POST /callback/{connector}", "POST /logout/{connector}", "POST /saml/sso", "POST /saml/slo",

	"POST /token", "POST /userinfo", "POST /revoke", "POST /introspect",
	"POST /logout/{connector}/soap", "POST /saml/soap",
	"POST /logout/{connector}/backchannel", "POST /events/{connector}", "POST /events/{connector}/deletion",
}

// large are the addresses that SAML messages come to. Responses with the
// groups of large organisations are the largest of them.
var large = map[string]int64{
	"POST /callback/{connector}":    4 << 20,
	"POST /logout/{connector}":      256 << 10,
	"POST /logout/{connector}/soap": 256 << 10,
	"POST /saml/sso":                256 << 10,
	"POST /saml/slo":                256 << 10,
	"POST /saml/soap":               256 << 10,
}

func (b *Broker) site(cfg *config.Config, secure bool) (*web.Site, error) {
	look, err := look(cfg.Broker.Look)
	if err != nil {
		return nil, err
	}
	return web.New(web.Options{
		Look: look, Proxies: cfg.Broker.ProxyPrefixes(), Secure: secure, Log: b.log,
		CrossOrigin: crossOrigin, Large: large, Translate: translate, Observe: b.metrics.request,
	})
}

// look reads the logo that the council's look names.
func look(c config.Look) (web.Look, error) {
	l := web.Look{
		Council: c.Council, Colour: c.Colour, Languages: c.Languages,
		Help: c.Help, Privacy: c.Privacy, Accessibility: c.Accessibility,
	}
	if c.Logo == "" {
		return l, nil
	}
	var err error
	if l.Logo, err = os.ReadFile(c.Logo); err != nil {
		return l, fmt.Errorf("look.logo: %w", err)
	}
	l.LogoType = map[string]string{".svg": "image/svg+xml", ".png": "image/png"}[filepath.Ext(c.Logo)]
	return l, nil
}

// translate says what people are told of the stores' errors.
func translate(err error) *web.Error {
	if e, ok := errors.AsType[*store.Exceeded](err); ok {
		return &web.Error{Status: http.StatusTooManyRequests, Message: web.TooMany, Retry: e.RetryAfter}
	}
	if errors.Is(err, store.ErrUnavailable) || errors.Is(err, db.ErrUnavailable) {
		return &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable, Retry: 30 * time.Second}
	}
	return nil
}
