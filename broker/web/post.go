package web

import (
	"errors"
	"net/http"
	"net/url"
)

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
	return s.Page(w, r, http.StatusOK, "post", post{Action: action, Fields: fields})
}
