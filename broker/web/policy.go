package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
)

// securityPolicy allows what the pages need and nothing else: the broker's own
// style sheets and images, and forms that lead to the broker and to target.
func securityPolicy(target string) string {
	return "default-src 'none'; style-src 'self'; img-src 'self'; " +
		"form-action 'self'" + target + "; frame-ancestors 'none'; base-uri 'none'"
}

// securityHeaders are on every answer; a handler may replace one.
func securityHeaders(secure bool) http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", securityPolicy(""))
	h.Set("X-Content-Type-Options", "nosniff")
	// Queries carry codes and states, which other sites must not see (RFC 9700
	// §4.2.4). no-referrer would do, too, but it makes browsers send "Origin:
	// null" with our own forms, and those that do not know Sec-Fetch-Site
	// would fail the cross-origin check with it.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Permissions-Policy", "camera=(), geolocation=(), microphone=(), payment=()")
	h.Set("Cache-Control", "no-store")
	if secure {
		h.Set("Strict-Transport-Security", "max-age=31536000")
	}
	return h
}

// AllowFormTo lets the form of the page that w is about to carry lead to
// address, as in a sign-out that returns to the app: browsers hold form-action
// against the redirects after a form's post, too.
func AllowFormTo(w http.ResponseWriter, address string) error {
	u, err := url.Parse(address)
	if err != nil {
		return fmt.Errorf("form target: %w", err)
	}
	target := u.Scheme + "://" + u.Host
	if u.Host == "" {
		target = u.Scheme + ":" // a native app's own scheme
	}
	// A host may hold what ends a source or a directive.
	if u.Scheme == "" || strings.ContainsAny(target, " ;,'\"*") {
		return fmt.Errorf("form target: %q is no address for a policy", target)
	}
	w.Header().Set("Content-Security-Policy", securityPolicy(" "+target))
	return nil
}
