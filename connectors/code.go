package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// authorizationURL is where to send the browser for an authorization code
// (RFC 6749 §4.1.1), with params besides those that every provider knows.
func (p *provider) authorizationURL(endpoint string, a Attempt, params map[string]string) string {
	var options []oauth2.AuthCodeOption
	for name, value := range params {
		options = append(options, oauth2.SetAuthURLParam(name, value))
	}
	if p.pkce {
		options = append(options, oauth2.S256ChallengeOption(a.Verifier))
	}
	conf := p.oauth(oauth2.Endpoint{AuthURL: endpoint})
	conf.Scopes = p.scopes
	return conf.AuthCodeURL(a.State, options...)
}

// exchange spends the authorization code (RFC 6749 §4.1.3). audience is that
// of client assertions.
func (p *provider) exchange(ctx context.Context, endpoint, audience string, a Attempt, code string) (*oauth2.Token, error) {
	options, err := p.assertion(audience)
	if err != nil {
		return nil, fail(Misconfigured, "token: %w", err)
	}
	if p.pkce {
		options = append(options, oauth2.VerifierOption(a.Verifier))
	}
	start := time.Now()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.http)
	token, err := p.oauth(oauth2.Endpoint{TokenURL: endpoint}).Exchange(ctx, code, options...)
	switch {
	case err != nil:
		err = p.exchangeFailure(err)
	case !strings.EqualFold(token.Type(), "Bearer"): // RFC 6749 §7.1
		err = fail(Refused, "token: the access token is not a bearer token")
	}
	p.observed("token", err, time.Since(start))
	return token, err
}

// exchangeFailure says why there is no token. The words of x/oauth2 are not
// repeated where they hold the provider's answer.
func (p *provider) exchangeFailure(err error) error {
	answer, ok := errors.AsType[*oauth2.RetrieveError](err)
	if !ok {
		return fail(Unavailable, "token: %w", withoutURL(err))
	}
	code, subcode := answer.ErrorCode, ""
	if code == "" {
		code, subcode = graphError(answer.Body)
	}
	switch status := answer.Response.StatusCode; {
	case status >= http.StatusInternalServerError:
		return fail(Unavailable, "token: provider answered status %d", status)
	case code != "":
		return p.refusal(code, subcode)
	case status == http.StatusTooManyRequests:
		return fail(TryLater, "token: provider answered status %d", status)
	case status == http.StatusUnauthorized:
		return fail(Misconfigured, "token: provider answered status %d", status) // RFC 6749 §5.2
	default:
		return fail(Unavailable, "token: provider answered status %d", status)
	}
}

// graphError reads the error of Facebook's Graph API, which is an object
// where RFC 6749 §5.2 has a code.
func graphError(body []byte) (code, subcode string) {
	var answer struct {
		Error struct {
			Type string
			Code int
		}
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Type == "" {
		return "", ""
	}
	return answer.Error.Type, strconv.Itoa(answer.Error.Code)
}
