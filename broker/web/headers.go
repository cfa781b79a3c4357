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

	"resident_accept":    leading,
	"resident_again":     leading,
	"resident_code":      leading,
	"resident_data":      leading,
	"resident_delegates": leading,
	"resident_delete":    leading,
	"resident_devices":   leading,
	"resident_edit":      leading,
	"resident_invite":    leading,
	"resident_language":  leading,
	"resident_name":      leading,
	"resident_remove":    leading,
	"resident_sign_ins":  leading,
	"resident_stop":      leading,

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
