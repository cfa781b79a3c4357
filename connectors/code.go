package connectors

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"golang.org/x/oauth2"
)

// authorizationRequest are the parameters that ask for an authorization code
// (RFC 6749 §4.1.1), with params besides those that every provider knows.
func (p *provider) authorizationRequest(a Attempt, scopes []string, params map[string]string) url.Values {
	request := url.Values{}
	for name, value := range params {
		request.Set(name, value)
	}
	request.Set("response_type", "code")
	request.Set("client_id", p.clientID)
	request.Set("redirect_uri", p.redirect)
	request.Set("state", a.State)
	if len(scopes) > 0 {
		request.Set("scope", strings.Join(scopes, " "))
	}
	if p.pkce {
		request.Set("code_challenge", oauth2.S256ChallengeFromVerifier(a.Verifier))
		request.Set("code_challenge_method", "S256")
	}
	return request
}

// withParams adds params to the query of address. A space is %20 there, as
// everywhere in a URI (RFC 3986 §2.1): Apple does not take the plus of forms.
func withParams(address string, params url.Values) string {
	separator := "?"
	if strings.Contains(address, "?") {
		separator = "&"
	}
	return address + separator + strings.ReplaceAll(params.Encode(), "+", "%20")
}

func withQuery(address, name, value string) string {
	return withParams(address, url.Values{name: {value}})
}

// exchange spends the authorization code (RFC 6749 §4.1.3). audience is that
// of client assertions.
func (p *provider) exchange(ctx context.Context, endpoint, audience string, a Attempt, code string) (*oauth2.Token, error) {
	credentials, err := p.credentials(audience)
	if err != nil {
		return nil, fail(Misconfigured, "token: %w", err)
	}
	var options []oauth2.AuthCodeOption
	for name, value := range credentials {
		options = append(options, oauth2.SetAuthURLParam(name, value))
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
	case !strings.EqualFold(token.Type(), p.tokenType): // RFC 6749 §7.1
		err = fail(Refused, "token: the access token is not of type %s", p.tokenType)
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
	e := denial{code: answer.ErrorCode, description: answer.ErrorDescription}
	if e.code == "" {
		e = graphError(answer.Body)
	}
	return p.denied("token", answer.Response.StatusCode, e)
}

// denied says why an endpoint that speaks RFC 6749 §5.2 did not do as asked.
func (p *provider) denied(call string, status int, e denial) error {
	switch {
	case status >= http.StatusInternalServerError:
		return fail(Unavailable, "%s: provider answered status %d", call, status)
	case e.code != "":
		return p.refusal(e)
	case status == http.StatusTooManyRequests:
		return fail(TryLater, "%s: provider answered status %d", call, status)
	case status == http.StatusUnauthorized:
		return fail(Misconfigured, "%s: provider answered status %d", call, status) // RFC 6749 §5.2
	default:
		return fail(Unavailable, "%s: provider answered status %d", call, status)
	}
}

// graphError reads the error of Facebook's Graph API, which is an object
// where RFC 6749 §5.2 has a code.
func graphError(body []byte) denial {
	var answer struct {
		Error struct {
			Type, Message string
			Code          int
		}
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Type == "" {
		return denial{}
	}
	return denial{code: answer.Error.Type, subcode: strconv.Itoa(answer.Error.Code), description: answer.Error.Message}
}

// grants checks that a token answer grants all scopes that were asked for. One
// that names none grants all (RFC 6749 §5.1).
//
// Where fewer were granted the person has unticked some, or the provider drops
// what it does not offer us without a word (NHS login). To tell these apart is
// for the configuration, by the error code that RFC 6750 §3.1 has for it.
func (p *provider) grants(token *oauth2.Token, asked []string) error {
	granted, _ := token.Extra("scope").(string)
	if covers(granted, asked) {
		return nil
	}
	return fail(p.outcome(denial{code: "insufficient_scope"}), "token: fewer scopes were granted than asked for")
}

// covers reports whether the scopes granted include those asked for. GitHub
// separates by commas, and folds user:email into user where that was granted
// before. That openid was granted is shown by the ID token.
func covers(granted string, asked []string) bool {
	if granted == "" {
		return true
	}
	have := map[string]bool{"openid": true}
	for _, scope := range strings.FieldsFunc(granted, func(r rune) bool { return r == ' ' || r == ',' }) {
		have[scope] = true
	}
	for _, scope := range asked {
		family, _, _ := strings.Cut(scope, ":")
		if !have[scope] && !have[family] {
			return false
		}
	}
	return true
}
