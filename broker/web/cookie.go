package web

import (
	"net/http"
	"time"
)

// Cookie is the full name of the broker's cookie called name. Under https it
// has the prefix __Host-, with which browsers let no other host set it and
// insist on Secure and Path=/ (RFC 6265bis §4.1.3.2).
func (s *Site) Cookie(name string) string {
	if s.secure {
		return "__Host-" + name
	}
	return name
}

// SetCookie keeps value in the browser for age; 0 keeps it until the browser
// is closed, and a negative age removes it. Scripts cannot read it, and it
// comes back with links from other sites but not with their posts.
func (s *Site) SetCookie(w http.ResponseWriter, name, value string, age time.Duration) {
	maxAge := int(age / time.Second)
	if age < 0 {
		maxAge = -1
	}
	http.SetCookie(w, &http.Cookie{
		Name:     s.Cookie(name),
		Value:    value,
		Path:     "/",
		MaxAge:   maxAge,
		Secure:   s.secure,
		HttpOnly: true,
		SameSite: http.SameSiteLaxMode,
	})
}
