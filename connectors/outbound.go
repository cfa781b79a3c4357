package connectors

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/failsafe-go/failsafe-go/circuitbreaker"

	"github.com/councilid/councilid/config"
)

// Outbound calls one other party: a provider, or an app that is told of a
// sign-out. It keeps its connections open, sends no cookies, goes nowhere that
// the operator or the public internet does not know, bounds every call in time
// and size, and stops calling for a while when too many calls fail.
type Outbound struct {
	http    *http.Client
	breaker circuitbreaker.CircuitBreaker[*http.Response]
	observe func(call, outcome string, took time.Duration)
}

// OpenOutbound makes an Outbound to the party called name in metrics. The
// hosts and ports of the addresses written, which stand in the operator's own
// files, may be private; all others must be public. Without a timeout in n a
// call has ten seconds, and without attempts one.
func OpenOutbound(name string, n config.Network, written []string, o Options) (*Outbound, error) {
	o = o.withDefaults()
	n.Timeout, n.Attempts = cmp.Or(n.Timeout, 10*time.Second), max(n.Attempts, 1)
	reach, err := newReach(n, written)
	if err != nil {
		return nil, err
	}
	transport, err := newTransport(n, reach)
	if err != nil {
		return nil, err
	}
	breaker := newBreaker(o.Log)
	return &Outbound{
		http: &http.Client{
			Transport:     newResilient(&proving{next: transport, now: o.Now}, breaker, n),
			CheckRedirect: checkRedirect,
		},
		breaker: breaker,
		observe: func(call, outcome string, took time.Duration) { o.Observe(name, call, outcome, took) },
	}, nil
}

func newTransport(n config.Network, reach *reach) (*http.Transport, error) {
	roots, err := authorities(n.CA)
	if err != nil {
		return nil, err
	}
	own, err := clientCertificates(n)
	if err != nil {
		return nil, err
	}
	// No Proxy: what the environment says of proxies is not for us.
	t := &http.Transport{
		DialContext:            reach.dial,
		TLSClientConfig:        &tls.Config{RootCAs: roots, Certificates: own, ClientSessionCache: tls.NewLRUClientSessionCache(0)},
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

// clientCertificates are what we show a party that wants to see who calls
// (mutual TLS).
func clientCertificates(n config.Network) ([]tls.Certificate, error) {
	if n.Cert == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(n.Cert)
	if err != nil {
		return nil, fmt.Errorf("cert: %w", err)
	}
	own, err := tls.X509KeyPair(pem, []byte(n.Key.Reveal()))
	if err != nil {
		return nil, fmt.Errorf("cert and key: %w", err)
	}
	return []tls.Certificate{own}, nil
}

// checkRedirect follows a few redirects of calls that carry no secret in
// their body, and never from https to http. Another host is told nothing of what
// the first was: neither its headers, of which net/http takes away those that it
// knows, nor an address that may hold a token.
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
	r.Header.Del("Referer")
	if r.URL.Host != first.URL.Host {
		r.Header = http.Header{"Accept": first.Header["Accept"]}
	}
	return nil
}

// Get fetches address, whatever its media type. An answer of more than limit
// bytes is an error, as is every status but 200. call is the name for metrics
// and errors, which are *Failure. A call that failed is tried again.
func (c *Outbound) Get(ctx context.Context, call, address string, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(limited(ctx, limit), http.MethodGet, address, nil)
	if err != nil {
		return nil, fail(Misconfigured, "%s: the address is malformed", call)
	}
	r.Header.Set("Accept", "*/*")
	return c.body(r, call)
}

// Post sends body to address with header and returns the answer, as [Outbound.Get]
// does; the status may be 204 as well. It is never sent twice.
func (c *Outbound) Post(ctx context.Context, call, address, contentType string, header http.Header, body []byte, limit int64) ([]byte, error) {
	r, err := http.NewRequestWithContext(limited(ctx, limit), http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, fail(Misconfigured, "%s: the address is malformed", call)
	}
	r.Header.Set("Accept", "*/*")
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", contentType)
	return c.body(r, call)
}

func (c *Outbound) body(r *http.Request, call string) ([]byte, error) {
	var body []byte
	err := c.send(r, call, func(resp *http.Response) error {
		if err := succeeded(call, resp); err != nil {
			return err
		}
		var err error
		body, err = io.ReadAll(resp.Body)
		return err
	})
	return body, err
}

// getJSON fetches JSON from address into answer.
func (c *Outbound) getJSON(ctx context.Context, call, address string, header http.Header, answer any) error {
	return c.get(ctx, call, address, header, func(resp *http.Response) error {
		if err := succeeded(call, resp); err != nil {
			return err
		}
		return decode(call, resp, answer)
	})
}

// get fetches address and has read judge the answer.
func (c *Outbound) get(ctx context.Context, call, address string, header http.Header, read func(*http.Response) error) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fail(Misconfigured, "%s: the address is malformed", call)
	}
	maps.Copy(r.Header, header)
	return c.send(r, call, read)
}

// send makes a call and has read judge the answer, whose body is in memory.
func (c *Outbound) send(r *http.Request, call string, read func(*http.Response) error) error {
	start := time.Now()
	resp, err := c.http.Do(r)
	if err != nil {
		err = fail(Unavailable, "%s: %s: %w", call, r.URL.Host, withoutURL(err))
	} else {
		err = read(resp)
	}
	c.observed(call, err, time.Since(start))
	return err
}

// succeeded says what an answer's status means to a call that has no errors of
// its own.
func succeeded(call string, resp *http.Response) error {
	r := resp.Request
	switch {
	case resp.StatusCode == http.StatusTooManyRequests:
		return fail(TryLater, "%s: %s answered status %d", call, r.URL.Host, resp.StatusCode)
	case resp.StatusCode == http.StatusOK, resp.StatusCode == http.StatusNoContent && r.Method == http.MethodPost:
		return nil
	}
	return fail(Unavailable, "%s: %s answered status %d", call, r.URL.Host, resp.StatusCode)
}

func decode(call string, resp *http.Response, answer any) error {
	if err := json.NewDecoder(resp.Body).Decode(answer); err != nil {
		return fail(Unavailable, "%s: %s answered %q that is not the JSON expected",
			call, resp.Request.URL.Host, resp.Header.Get("Content-Type"))
	}
	return nil
}

func (c *Outbound) observed(call string, err error, took time.Duration) {
	outcome := "ok"
	if f, ok := errors.AsType[*Failure](err); ok {
		outcome = string(f.Outcome)
	}
	c.observe(call, outcome, took)
}

// BreakerState implements [Guarded].
func (c *Outbound) BreakerState() string { return c.breaker.State().String() }

// ready refuses to send anybody to a provider whose answer could not be
// checked: while the circuit breaker is open.
func (c *Outbound) ready() error {
	if c.breaker.IsOpen() && c.breaker.RemainingDelay() > 0 {
		return fail(Unavailable, "%w", circuitbreaker.ErrOpen)
	}
	return nil
}

// withoutURL is the cause of an error of http.Client. The address goes no
// further, as its query may hold a proof of the app secret.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return u.Err
	}
	return err
}
