package connectors

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// presented is the header that carries an access token: RFC 6750 §2.1, RFC 9449
// §7.1.
func (p *provider) presented(token *oauth2.Token) http.Header {
	return http.Header{"Authorization": {p.tokenType + " " + token.AccessToken}}
}

// call asks an API of the provider's. found is false where the provider says
// that there is nothing, and may.
func (p *provider) call(ctx context.Context, name string, call config.Call, token *oauth2.Token) (answer any, found bool, err error) {
	address, header, err := p.callRequest(call, token)
	if err != nil {
		return nil, false, fail(Misconfigured, "%s: %w", name, err)
	}
	found = true
	err = p.get(ctx, name, address, header, func(resp *http.Response) error {
		if call.Absent && resp.StatusCode == http.StatusNotFound {
			found = false
			return nil
		}
		if err := succeeded(name, resp); err != nil {
			return err
		}
		return decode(name, resp, &answer)
	})
	if err != nil || !found {
		return nil, false, err
	}
	answer, err = p.answered(name, call, answer)
	return answer, err == nil, err
}

// callRequest is where call goes, and with which header.
func (p *provider) callRequest(call config.Call, token *oauth2.Token) (string, http.Header, error) {
	address, header := call.URL, p.presented(token)
	if call.Query != "" {
		address, header = withQuery(address, call.Query, token.AccessToken), http.Header{}
	}
	if call.Proof == "appsecret_proof" {
		address = withQuery(address, "appsecret_proof", appSecretProof(token.AccessToken, p.secret))
	}
	if call.Assertion != "" {
		assertion, err := p.assertion(call.URL)
		if err != nil {
			return "", nil, err
		}
		header.Set(call.Assertion, assertion)
	}
	return address, header, nil
}

// answered takes out of an answer what it holds for us.
func (p *provider) answered(name string, call config.Call, answer any) (any, error) {
	object, _ := answer.(map[string]any)
	if call.Audience != "" && object[call.Audience] != p.clientID {
		return nil, fail(Refused, "%s: the access token was issued to another client", name)
	}
	if call.Unwrap == "" {
		return answer, nil
	}
	inner, ok := object[call.Unwrap]
	if !ok {
		return nil, fail(Unavailable, "%s: the answer lacks %q", name, call.Unwrap)
	}
	return inner, nil
}

// appSecretProof shows Facebook that the caller of its API holds the app
// secret, not only a token.
func appSecretProof(token, secret string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return hex.EncodeToString(mac.Sum(nil))
}

// callAll makes the calls of these names and sets the answer of each as the
// claim of its name, which nothing else gives.
func (p *provider) callAll(ctx context.Context, names []string, calls map[string]config.Call, token *oauth2.Token, claims mapping.Claims) error {
	for _, name := range names {
		answer, found, err := p.call(ctx, name, calls[name], token)
		if err != nil {
			return err
		}
		delete(claims, name)
		if found {
			claims[name] = answer
		}
	}
	return nil
}
