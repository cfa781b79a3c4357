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

// exchange spends the authorization code (RFC 6749 §4.1.3). audience is for
// client assertions.
func (p *provider) exchange(ctx context.Context, conf *oauth2.Config, code, audience string, options ...oauth2.AuthCodeOption) (*oauth2.Token, error) {
	assertion, err := p.assertion(audience)
	if err != nil {
		return nil, fail(Misconfigured, "token: %w", err)
	}
	start := time.Now()
	ctx = context.WithValue(ctx, oauth2.HTTPClient, p.client.http)
	token, err := conf.Exchange(ctx, code, append(options, assertion...)...)
	if err == nil && !strings.EqualFold(token.Type(), "Bearer") {
		err = fail(Refused, "token: the access token is not a bearer token") // RFC 6749 §7.1
	} else if err != nil {
		err = p.exchangeFailure(err)
	}
	p.client.observed("token", err, time.Since(start))
	if err != nil {
		return nil, err
	}
	return token, nil
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
