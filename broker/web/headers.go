package web

import "net/http"

// policy allows what the pages need and nothing else: the broker's own style
// sheets and images, and forms that post to the broker.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

// policies are those of the pages whose forms lead to other sites. Browsers
// hold form-action against the redirects after a post, too, and where a
// sign-out goes on from app to app nobody can list them all.
var policies = map[string]string{
	"council_account":  scripted,
	"council_code":     leading,
	"council_passkey":  scripted,
	"council_password": leading,
	"council_sign_in":  scripted,

	"resident_activity":   only + staying,
	"resident_details":    only + staying,
	"resident_home":       only + staying,
	"resident_proof":      only + staying,
	"resident_services":   only + staying,
	"resident_accept":     staying,
	"resident_again":      staying,
	"resident_code":       staying,
	"resident_data":       staying,
	"resident_delegates":  staying,
	"resident_delete":     staying,
	"resident_devices":    staying,
	"resident_edit":       staying,
	"resident_invitation": staying,
	"resident_invite":     staying,
	"resident_language":   staying,
	"resident_name":       staying,
	"resident_remove":     staying,
	"resident_sign_ins":   staying,
	"resident_stop":       staying,

	"acting":      leading,
	"apart":       leading,
	"before":      leading,
	"consent":     leading,
	"onward":      scripted,
	"post":        scripted,
	"sign_out":    leading,
	"unsolicited": leading,
	"who":         leading,
}

const (
	// leading is for pages whose forms lead to other sites.
	leading = "default-src 'none'; " + looks

	// scripted is for those that have a script besides: it presses their own
	// button, or asks the device for a passkey.
	scripted = "default-src 'none'; script-src 'self'; " + looks

	// staying is for residents' own pages, whose script asks the broker to keep them
	// signed in. The forms of most lead to other sites.
	staying = "default-src 'none'; script-src 'self'; connect-src 'self'; " + looks

	// only is for those whose forms lead nowhere else.
	only = "form-action 'self'; "

	looks = "style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"
)

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
