package web

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"log/slog"
	"net/http"
	"net/netip"
)

// exchange is one request and its answer as the log will tell of them. It is
// the ResponseWriter that the handlers write to.
type exchange struct {
	http.ResponseWriter
	request    *http.Request
	reference  string
	client     netip.Addr
	attrs      []slog.Attr // from Annotate
	err        error
	status     int    // 0 until the header is written
	bytes      int64  // of the body
	unrouted   int    // the status with which the mux refused the request
	aborted    bool   // the connection must be cut, as the answer is incomplete
	localesSet bool   // SetLocales was called in this request,
	asked      string // with this language as its outcome
}

type exchangeKey struct{}

// exchangeOf returns the exchange that r is part of, or one of no consequence
// where r did not pass through Protect.
func exchangeOf(r *http.Request) *exchange { return exchangeIn(r.Context()) }

func exchangeIn(ctx context.Context) *exchange {
	if x, ok := ctx.Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

// Reference finds the request's line in the log. People are shown it.
func Reference(r *http.Request) string { return exchangeOf(r).reference }

// Annotate adds attributes to the request's log line. They never hold claims,
// tokens, codes or e-mail addresses.
func Annotate(r *http.Request, attrs ...slog.Attr) { Note(r.Context(), attrs...) }

// Note is Annotate where the request itself is out of sight. It is not for
// several goroutines of one request.
func Note(ctx context.Context, attrs ...slog.Attr) {
	x := exchangeIn(ctx)
	x.attrs = append(x.attrs, attrs...)
}

// WriteHeader implements [http.ResponseWriter]. Where no route takes the
// request the mux answers in plain text; that answer is held back, and
// Protect writes the page instead.
func (x *exchange) WriteHeader(status int) {
	if x.request.Pattern == "" && x.err == nil && (status == http.StatusNotFound || status == http.StatusMethodNotAllowed) {
		x.unrouted = status
		return
	}
	if x.status == 0 && status >= http.StatusOK { // 1xx comes before the answer
		x.status = status
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (x *exchange) Write(p []byte) (int, error) {
	if x.unrouted != 0 && x.err == nil {
		return len(p), nil
	}
	if x.status == 0 {
		x.status = http.StatusOK
	}
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// Unwrap gives [http.ResponseController] the writer below.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// crockford is easy to read out over the telephone: no I, L, O or U.
var crockford = base32.NewEncoding("0123456789ABCDEFGHJKMNPQRSTVWXYZ").WithPadding(base32.NoPadding)

// newReference returns eight characters that find a request in the log.
func newReference() string {
	var b [5]byte
	rand.Read(b[:]) // never fails
	return crockford.EncodeToString(b[:])
}
