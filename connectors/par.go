package connectors

import (
	"context"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// push sends an authorization request from server to server (RFC 9126 §2), so
// that nobody reads or changes it on the way, and sends the browser after it
// with its name alone.
func (c *oidcConnector) push(ctx context.Context, d discovery, request url.Values) (Redirect, error) {
	if d.PAREndpoint == "" {
		return Redirect{}, fail(Misconfigured, "par: the provider has no endpoint for it")
	}
	form, header := maps.Clone(request), http.Header{}
	if err := c.authenticate(form, header, c.audience(d)); err != nil {
		return Redirect{}, fail(Misconfigured, "par: %w", err)
	}
	name, err := c.pushed(ctx, d.PAREndpoint, form, header)
	if err != nil {
		return Redirect{}, err
	}
	request = url.Values{"client_id": {c.clientID}, "request_uri": {name}} // §4
	return Redirect{URL: withParams(d.AuthorizationEndpoint, request)}, nil
}

// pushed returns the request_uri that the provider gives to form.
func (c *oidcConnector) pushed(ctx context.Context, endpoint string, form url.Values, header http.Header) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, endpoint, strings.NewReader(form.Encode()))
	if err != nil {
		return "", fail(Misconfigured, "par: the address is malformed")
	}
	maps.Copy(r.Header, header)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	var answer struct {
		RequestURI       string `json:"request_uri"`
		Error            string `json:"error"`
		ErrorDescription string `json:"error_description"`
	}
	err = c.send(r, "par", func(resp *http.Response) error {
		malformed := json.NewDecoder(resp.Body).Decode(&answer) != nil
		switch {
		case resp.StatusCode != http.StatusCreated && resp.StatusCode != http.StatusOK: // §2.2 says 201
			return c.denied("par", resp.StatusCode, denial{code: answer.Error, description: answer.ErrorDescription})
		case malformed || answer.RequestURI == "":
			return fail(Unavailable, "par: the answer has no request_uri")
		}
		return nil
	})
	return answer.RequestURI, err
}
