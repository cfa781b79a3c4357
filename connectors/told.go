package connectors

import (
	"context"
	"maps"
	"strings"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/mapping"
)

// The names in [Assertion.Signed] of what every OpenID provider signs, or may.
const (
	idTokenName  = "id_token"
	userinfoName = "userinfo"
)

// told is what a provider tells in one sign-in.
type told struct {
	issuer string         // under which links are kept
	claims mapping.Claims // everything, whoever signed it
	signed mapping.Signed
}

// listen gathers what the provider tells besides the ID token, which says said:
// at its userinfo endpoint, by the calls of the step, and in tokens within all
// that. What is signed has the first word. What the ID token says is a claim of
// its own besides: a rule that must not take anybody else's word for it reads it
// there.
func (c *oidcConnector) listen(ctx context.Context, d discovery, a Attempt, token *oauth2.Token, said mapping.Claims) (told, error) {
	issuer, err := issuerOf(said, c.settings)
	if err != nil {
		return told{}, err
	}
	t := told{issuer: issuer, claims: mapping.Claims{}, signed: mapping.Signed{idTokenName: said}}
	t.add(said)
	userinfo, err := c.userinfo(ctx, d, token, t)
	if err != nil {
		return t, err
	}
	t.add(userinfo)
	if userinfo != nil && c.settings.Userinfo == "signed" {
		t.signed[userinfoName] = userinfo
	}
	if err := c.callAll(ctx, c.step(a.Step).calls, c.settings.Calls, token, t.claims); err != nil {
		return t, err
	}
	t.claims[idTokenName] = map[string]any(said) // whoever else says it has not signed it
	return t, c.unfold(ctx, t)
}

// add adds claims that are not there yet.
func (t told) add(claims mapping.Claims) {
	for name, value := range claims {
		if _, ok := t.claims[name]; !ok {
			t.claims[name] = value
		}
	}
}

// forget takes a token out of everything that was told. Whoever had it could
// show it as we were shown it.
func (t told) forget(token string) {
	erase(map[string]any(t.claims), token)
	for _, claims := range t.signed {
		erase(map[string]any(claims), token)
	}
}

// erase takes every text out of value that has the token in it.
func erase(value any, token string) {
	holds := func(v any) bool {
		text, ok := v.(string)
		return ok && strings.Contains(text, token)
	}
	switch v := value.(type) {
	case map[string]any:
		maps.DeleteFunc(v, func(_ string, inner any) bool { return holds(inner) })
		for _, inner := range v {
			erase(inner, token)
		}
	case []any:
		for i, inner := range v {
			if holds(inner) {
				v[i] = nil
			}
			erase(inner, token)
		}
	}
}
