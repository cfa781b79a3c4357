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
	if !isWeb(action) {
		return errors.New("post to another site: its address is not one of http")
	}
	return s.Page(w, r, http.StatusOK, "post", post{Action: action, Fields: fields})
}

// onward is the page that leads to another site.
type onward struct{ Address string }

// Onward has the browser go to address as a redirect would, by a page: browsers
// follow some twenty redirects (Fetch §4.4) and no more, and begin to count
// anew after a page.
func (s *Site) Onward(w http.ResponseWriter, r *http.Request, address string) error {
	if !isWeb(address) {
		return errors.New("lead to another site: its address is not one of http")
	}
	return s.Page(w, r, http.StatusOK, "onward", onward{Address: address})
}

func isWeb(address string) bool {
	u, err := url.Parse(address)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != ""
}
