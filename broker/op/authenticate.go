package op

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/councilid/councilid/broker/web"
)

// credentials are what a request brings to say which client it comes from.
type credentials struct {
	method    string
	id        string // claimed, not proven
	secret    string // of client_secret_basic and client_secret_post
	assertion string // of private_key_jwt
}

// appForm reads the form of a request from an app. Parameters in the address
// do not count (RFC 6749 §3.2).
func appForm(r *http.Request) (url.Values, error) {
	if err := r.ParseForm(); err != nil {
		return nil, refused(invalidRequest, "the form cannot be read").because(err)
	}
	if repeated(r.PostForm) {
		return nil, refused(invalidRequest, "a parameter is repeated")
	}
	return r.PostForm, nil
}

// authenticate returns the client that a request comes from.
func (s *Server) authenticate(r *http.Request, form url.Values) (*client, error) {
	sent, err := parseCredentials(r.Header.Get("Authorization"), form)
	if err != nil {
		return nil, err
	}
	c, ok := s.clients[sent.id]
	if !ok {
		return nil, s.guessed(r, sent.id, notAuthenticated(errors.New("no such client")))
	}
	web.Annotate(r, slog.String("app", c.app.ID))
	if err := s.prove(r.Context(), c, sent); err != nil {
		return nil, s.guessed(r, c.id, err)
	}
	return c, nil
}

// guessed counts a call that failed to authenticate like any other call of the
// client (RFC 6749 §2.3.1 wants guessing bounded): where the count is full, a
// right guess gets the same answer as a wrong one.
func (s *Server) guessed(r *http.Request, clientID string, failed error) error {
	if err := s.counted(r, clientID).Exec(r.Context()); err != nil {
		return err
	}
	return failed
}

// notAuthenticated says nothing of why, so that it tells apps apart from no
// apps for nobody.
func notAuthenticated(err error) *Error {
	return &Error{Code: invalidClient, Description: "client authentication failed", Status: http.StatusUnauthorized, Err: err}
}

// parseCredentials finds the one method that a request uses to authenticate.
// To use two is a mistake (RFC 6749 §2.3).
func parseCredentials(authorization string, form url.Values) (credentials, error) {
	var found []credentials
	if authorization != "" {
		c, err := parseBasic(authorization)
		if err != nil {
			return credentials{}, notAuthenticated(err)
		}
		found = append(found, c)
	}
	if form.Has("client_secret") {
		found = append(found, credentials{method: clientSecretPost, id: form.Get("client_id"), secret: form.Get("client_secret")})
	}
	if form.Has("client_assertion") || form.Has("client_assertion_type") {
		c, err := parseAssertionParameters(form)
		if err != nil {
			return credentials{}, err
		}
		found = append(found, c)
	}
	switch len(found) {
	case 0:
		return credentials{method: noAuthentication, id: form.Get("client_id")}, nil
	case 1:
		if form.Has("client_id") && form.Get("client_id") != found[0].id {
			return credentials{}, refused(invalidRequest, "client_id is not the client that authenticates")
		}
		return found[0], nil
	}
	return credentials{}, refused(invalidRequest, "more than one method of client authentication")
}

// parseBasic reads an Authorization header. Both parts are form-encoded before
// they are put together (RFC 6749 §2.3.1).
func parseBasic(authorization string) (credentials, error) {
	scheme, encoded, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, basic) {
		return credentials{}, errors.New("the authorization scheme is not Basic")
	}
	pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(encoded))
	if err != nil {
		return credentials{}, errors.New("the Basic credentials are not base64")
	}
	id, secret, _ := strings.Cut(string(pair), ":")
	c := credentials{method: clientSecretBasic}
	if c.id, err = url.QueryUnescape(id); err != nil {
		return credentials{}, errors.New("the client id is not form-encoded")
	}
	if c.secret, err = url.QueryUnescape(secret); err != nil {
		return credentials{}, errors.New("the client secret is not form-encoded")
	}
	return c, nil
}

// prove checks that the credentials are the client's. A client uses the method
// that it registered and no other (OpenID Connect Registration §2).
func (s *Server) prove(ctx context.Context, c *client, sent credentials) error {
	if sent.method != c.oidc.ClientAuth {
		return notAuthenticated(fmt.Errorf("the client used %s and is registered for %s", sent.method, c.oidc.ClientAuth))
	}
	switch sent.method {
	case clientSecretBasic, clientSecretPost:
		hash := sha256.Sum256([]byte(sent.secret))
		if subtle.ConstantTimeCompare(hash[:], c.secret[:]) != 1 {
			return notAuthenticated(errors.New("wrong client secret"))
		}
	case privateKeyJWT:
		return s.proveAssertion(ctx, c, sent.assertion)
	}
	return nil
}
