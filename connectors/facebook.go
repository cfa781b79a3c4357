package connectors

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

// facebook takes signed requests: a JSON object and its HMAC with the app
// secret, posted when somebody removes the app from their account, and to
// another address when they ask for their data to be deleted.
type facebook struct {
	teller
	secret []byte
}

// deauthorisation is the inbox for the first, deletion for the second.
type (
	deauthorisation struct{ facebook }
	deletion        struct{ facebook }
)

// Receive implements [Receiver].
func (c *deauthorisation) Receive(_ context.Context, r *http.Request) (Notice, error) {
	return c.receive(r, "deauthorise")
}

// Receive implements [Receiver]. What people ask for is done, whatever the
// configuration says.
func (c *deletion) Receive(_ context.Context, r *http.Request) (Notice, error) {
	n, err := c.receive(r, "deletion")
	if err != nil {
		return Notice{}, err
	}
	n.Events[0].Action, n.Code = Unlink, rand.Text()
	return n, nil
}

func (c *facebook) receive(r *http.Request, word string) (Notice, error) {
	if err := r.ParseForm(); err != nil {
		return Notice{}, reject(invalidRequest, "the form is malformed")
	}
	payload, err := c.open(r.PostForm.Get("signed_request"))
	if err != nil {
		return Notice{}, err
	}
	said, err := readSignedRequest(payload)
	if err != nil {
		return Notice{}, err
	}
	issued := time.Unix(said.IssuedAt, 0)
	if err := c.recent(issued); err != nil {
		return Notice{}, err
	}
	user, ok := subjectText(said.UserID)
	if !ok {
		return Notice{}, reject(invalidRequest, "user_id is missing")
	}
	e := c.event(word, "", c.issuer, user, issued)
	e.Subject = user             // the id of the profile
	id := sha256.Sum256(payload) // it has no name of its own
	return Notice{Once: once(base64.RawURLEncoding.EncodeToString(id[:]), issued), Events: []Event{e}}, nil
}

// signedRequest is what Facebook says.
type signedRequest struct {
	Algorithm string `json:"algorithm"`
	IssuedAt  int64  `json:"issued_at"`
	UserID    any    `json:"user_id"`

	// What it says besides where somebody signs in or opens a page with the app in
	// it (developers.facebook.com, Signed Request).
	Code       any `json:"code"`
	OAuthToken any `json:"oauth_token"`
	Page       any `json:"page"`
	AppData    any `json:"app_data"`
}

// ofVisit reports whether the request went through a browser, as that of a sign-in
// does: whoever finds it there must not be able to end sessions with it, or to have
// somebody's data deleted.
func (s signedRequest) ofVisit() bool {
	return s.Code != nil || s.OAuthToken != nil || s.Page != nil || s.AppData != nil
}

// open checks the signature of signature.payload, both base64url, and returns the
// payload.
func (c *facebook) open(request string) ([]byte, error) {
	encoded, text, ok := strings.Cut(request, ".")
	signature, err := base64.RawURLEncoding.DecodeString(encoded)
	if !ok || err != nil || len(request) > maxEvent {
		return nil, reject(invalidRequest, "signed_request is malformed")
	}
	mac := hmac.New(sha256.New, c.secret)
	mac.Write([]byte(text))
	if !hmac.Equal(signature, mac.Sum(nil)) {
		return nil, reject(invalidKey, "the app secret did not make the signature")
	}
	payload, err := base64.RawURLEncoding.DecodeString(text)
	if err != nil {
		return nil, reject(invalidRequest, "signed_request is malformed")
	}
	return payload, nil
}

func readSignedRequest(payload []byte) (signedRequest, error) {
	var said signedRequest
	switch {
	case json.Unmarshal(payload, &said) != nil:
		return said, reject(invalidRequest, "signed_request is malformed")
	case said.Algorithm != "HMAC-SHA256":
		return said, reject(invalidKey, "the algorithm is not accepted")
	case said.ofVisit():
		return said, reject(invalidRequest, "signed_request is that of a sign-in")
	}
	return said, nil
}

// Acknowledge implements [Receiver].
func (c *deauthorisation) Acknowledge(Notice, string) Reply { return Reply{Status: http.StatusOK} }

// Acknowledge implements [Receiver]: where the person can read what became of it.
func (c *deletion) Acknowledge(n Notice, status string) Reply {
	return jsonReply(http.StatusOK, map[string]string{"url": status, "confirmation_code": n.Code})
}

// Refuse implements [Receiver].
func (c *facebook) Refuse(err error) Reply { return refuse(err, "error", "error_description") }
