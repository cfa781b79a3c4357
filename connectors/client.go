package connectors

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/councilid/councilid/config"
)

// client calls one provider. It keeps its connections open, sends no cookies,
// and goes nowhere that the operator or the public internet does not know.
type client struct {
	http    *http.Client
	breaker circuitbreaker.CircuitBreaker[*http.Response]
	observe func(call, outcome string, took time.Duration)
}

func newClient(cfg config.Connector, o Options) (*client, error) {
	reach, err := newReach(cfg)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(cfg.Network, reach)
	if err != nil {
		return nil, err
	}
	breaker := newBreaker(o.Log)
	return &client{
		http: &http.Client{
			Transport:     newResilient(transport, breaker, cfg.Network),
			CheckRedirect: checkRedirect,
		},
		breaker: breaker,
		observe: func(call, outcome string, took time.Duration) { o.Observe(cfg.ID, call, outcome, took) },
	}, nil
}

func newTransport(n config.Network, reach *reach) (*http.Transport, error) {
	roots, err := authorities(n.CA)
	if err != nil {
		return nil, err
	}
	// No Proxy: what the environment says of proxies is not for us.
	t := &http.Transport{
		DialContext:            reach.dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
		TLSHandshakeTimeout:    n.Timeout,
		MaxIdleConnsPerHost:    32,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
	if n.Proxy != "" {
		proxy, err := url.Parse(n.Proxy)
		if err != nil {
			return nil, fmt.Errorf("proxy: %w", err)
		}
		t.Proxy = func(r *http.Request) (*url.URL, error) { return proxy, reach.throughProxy(r.URL) }
	}
	return t, nil
}

// authorities are the system's and those of the PEM file, if there is one.
func authorities(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		return nil, fmt.Errorf("ca: %w", err)
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("ca: %s holds no certificate", file)
	}
	return pool, nil
}

// checkRedirect follows a few redirects of calls that carry no secret in
// their body, and never from https to http.
func checkRedirect(r *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet:
		return errors.New("redirected a call that may not be")
	case len(via) > 3:
		return errors.New("redirected too often")
	case r.URL.Scheme != "https" && first.URL.Scheme == "https":
		return errors.New("redirected from https to http")
	}
	return nil
}

// get fetches JSON from address into answer, with the access token as bearer
// where there is one. call is the name for metrics and errors.
func (c *client) get(ctx context.Context, call, address, token string, answer any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(Misconfigured, "%s: the address is malformed", call)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token) // RFC 6750 §2.1
	}
	start := time.Now()
	err = c.do(r, call, answer)
	c.observed(call, err, time.Since(start))
	return err
}

func (c *client) do(r *http.Request, call string, answer any) error {
	resp, err := c.http.Do(r)
	if err != nil {
		return fail(Unavailable, "%s: %s: %w", call, r.URL.Host, withoutURL(err))
	}
	defer resp.Body.Close()
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return fail(TryLater, "%s: %s answered status %d", call, r.URL.Host, resp.StatusCode)
	case resp.StatusCode != http.StatusOK:
		return fail(Unavailable, "%s: %s answered status %d", call, r.URL.Host, resp.StatusCode)
	}
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fail(Unavailable, "%s: %s answered %q that is not the JSON expected",
			call, r.URL.Host, resp.Header.Get("Content-Type"))
	}
	return nil
}

func (c *client) observed(call string, err error, took time.Duration) {
	outcome := "ok"
	if f, ok := errors.AsType[*Failure](err); ok {
		outcome = string(f.Outcome)
	}
	c.observe(call, outcome, took)
}

// withoutURL is the cause of an error of http.Client. The address goes no
// further, as its query may hold a proof of the app secret.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
