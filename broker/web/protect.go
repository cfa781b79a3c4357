package web

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"runtime/debug"
	"time"
)

// maxBody bounds what a request may bring, but for those of Options.Large. The
// largest known ones are authorization requests with claims, well below it.
const maxBody = 64 << 10

// bodies knows how large the body of a request may be.
type bodies struct {
	mux    *http.ServeMux // finds the pattern; its handlers are never called
	limits map[string]int64
}

func newBodies(large map[string]int64) bodies {
	b := bodies{mux: http.NewServeMux(), limits: large}
	for pattern := range large {
		b.mux.Handle(pattern, http.NotFoundHandler())
	}
	return b
}

func (b bodies) limit(r *http.Request) int64 {
	_, pattern := b.mux.Handler(r)
	return cmp.Or(b.limits[pattern], maxBody)
}

// singletons are request headers that decide something here and that a sender
// must not repeat (RFC 9110 §5.3): of two values a proxy might have judged the
// other one.
var singletons = []string{"Authorization", "Content-Type", "Origin", "Sec-Fetch-Site"}

// Protect wraps the mux of the whole broker: it gives each request a
// reference, its security headers, a bound on its body and a log line; it
// turns away other sites' posts and repeated headers, catches panics, and
// answers with a page where no route takes the request. The broker's mux must
// be next itself, so that the log knows the route.
func (s *Site) Protect(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		x := &exchange{ResponseWriter: w, reference: newReference(), client: s.Address(r)}
		outer := r
		r = r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x))
		defer func() { outer.Pattern = r.Pattern }() // for whoever wraps this
		r.Body = http.MaxBytesReader(w, r.Body, s.bodies.limit(r))
		x.request = r
		s.answer(x, r, next)
		s.record(x, r, time.Since(began))
		if x.aborted {
			panic(http.ErrAbortHandler)
		}
	})
}

func (s *Site) answer(x *exchange, r *http.Request, next http.Handler) {
	defer func() {
		if v := recover(); v != nil {
			s.panicked(x, r, v)
		}
	}()
	h := x.Header()
	maps.Copy(h, s.headers)
	h["X-Request-Id"] = []string{x.reference}
	if err := s.admit(r); err != nil {
		s.fail(x, r, err)
		return
	}
	next.ServeHTTP(x, r)
	if x.unrouted != 0 {
		s.fail(x, r, unrouted(x.unrouted))
	}
}

// admit turns away what no handler should see.
func (s *Site) admit(r *http.Request) error {
	for _, name := range singletons {
		if len(r.Header[name]) > 1 {
			return &Error{Status: http.StatusBadRequest, Message: RequestInvalid, Err: fmt.Errorf("%s is repeated", name)}
		}
	}
	if err := s.crossOrigin.Check(r); err != nil {
		return &Error{Status: http.StatusForbidden, Message: RequestInvalid, Err: err}
	}
	return nil
}

// panicked answers for a handler that panicked. Where part of the answer is
// out already, the connection is cut, so that nobody takes it for whole.
func (s *Site) panicked(x *exchange, r *http.Request, v any) {
	x.aborted = x.status != 0 || v == http.ErrAbortHandler
	if v == http.ErrAbortHandler {
		return
	}
	x.attrs = append(x.attrs, slog.String("stack", string(debug.Stack())))
	s.fail(x, r, fmt.Errorf("panic: %v", v))
}

// record writes the request's log line. The query, the cookies and the path,
// in which people may have typed anything, stay out of it.
func (s *Site) record(x *exchange, r *http.Request, took time.Duration) {
	status := x.status
	if status == 0 {
		status = http.StatusOK // net/http sends it for a handler that wrote nothing
	}
	if s.observe != nil {
		s.observe(r.Pattern, status, took)
	}
	level := slog.LevelInfo
	if status >= http.StatusInternalServerError || x.aborted {
		level = slog.LevelError
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	attrs := make([]slog.Attr, 0, 16)
	attrs = append(attrs,
		slog.String("method", r.Method),
		slog.String("route", r.Pattern),
		slog.Int("status", status),
		slog.Duration("took", took),
		slog.Int64("bytes", x.bytes),
		slog.String("client", x.client.String()),
		slog.String("ref", x.reference))
	if x.err != nil {
		attrs = append(attrs, slog.String("err", x.err.Error()))
	}
	s.log.LogAttrs(r.Context(), level, "request", append(attrs, x.attrs...)...)
}
