package web

import "net/http"

// policy allows what the pages need and nothing else: the broker's own style
// sheets and images, and forms that post to the broker. Browsers hold
// form-action against the redirect after a post, too: what answers a form
// links to an app, and does not redirect there.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// securityHeaders are on every answer; a handler may replace one.
func securityHeaders(secure bool) http.Header {
	h := http.Header{}
	h.Set("Content-Security-Policy", policy)
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
