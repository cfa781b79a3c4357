package web

import (
	"errors"
	"net/http"
	"net/url"
)

// postPolicy is the policy of the page of Post. Its script may run, and its
// form may go to another site: Chromium holds form-action against the redirects
// after a post, too, which nobody knows here.
const postPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; frame-ancestors 'none'; base-uri 'none'"

// post is the page that takes a message to another site.
type post struct {
	Action string
	Fields map[string]string // hidden
}

// Post has the browser post fields to action: by itself, or without JavaScript
// when the resident presses the button.
func (s *Site) Post(w http.ResponseWriter, r *http.Request, action string, fields map[string]string) error {
	if u, err := url.Parse(action); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return errors.New("post to another site: its address is not one of http")
	}
	w.Header().Set("Content-Security-Policy", postPolicy)
	return s.Page(w, r, http.StatusOK, "post", post{Action: action, Fields: fields})
}
