package simulator

import (
	"bytes"
	"io"
	"net/http"
	"time"
)

// The answers of addresses that are out of order.

func status(code int) func(*Provider, http.ResponseWriter, *http.Request) {
	return func(_ *Provider, w http.ResponseWriter, _ *http.Request) {
		http.Error(w, http.StatusText(code), code)
	}
}

func refuseToken(status int, code string) func(*Provider, http.ResponseWriter, *http.Request) {
	return func(p *Provider, w http.ResponseWriter, r *http.Request) {
		p.refuseToken(w, r, &refusal{status, code, "a fault was asked for"})
	}
}

// webPage is what a maintenance page or a firewall says in a provider's place.
func webPage(_ *Provider, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	io.WriteString(w, "<!DOCTYPE html><title>Maintenance</title><p>We will be back soon.")
}

// huge never ends within any sensible limit.
func huge(_ *Provider, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	io.WriteString(w, `{"token_type":"Bearer","access_token":"`)
	megabyte := bytes.Repeat([]byte("a"), 1<<20)
	for range 50 {
		if _, err := w.Write(megabyte); err != nil {
			return // the client has had enough
		}
	}
	io.WriteString(w, `"}`)
}

// slow keeps the client waiting, and has nothing to say in the end.
func slow(p *Provider, w http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(p.slow):
		http.Error(w, http.StatusText(http.StatusGatewayTimeout), http.StatusGatewayTimeout)
	}
}
