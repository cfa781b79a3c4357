package connectors

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// nestedToken is a token within what the provider says that another issuer
// signed: GOV.UK One Login's core identity, ScotAccount's attributes.
type nestedToken struct {
	name     string
	settings config.Nested
	in       *mapping.Expression
	keys     *keySet
}

// openNested makes the nested tokens, sorted by name.
func openNested(all map[string]config.Nested, out *Outbound, o Options) ([]nestedToken, error) {
	var tokens []nestedToken
	for _, name := range slices.Sorted(maps.Keys(all)) {
		if name == idTokenName || name == userinfoName { // in Assertion.Signed
			return nil, fmt.Errorf("nested.%s: the name is taken", name)
		}
		settings := all[name]
		in, mistake := mapping.CompileExpression("claims", settings.In)
		if mistake != nil {
			return nil, fmt.Errorf("nested.%s.in: %w", name, mistake)
		}
		tokens = append(tokens, nestedToken{name, settings, in, nestedKeys(settings, out, o)})
	}
	return tokens, nil
}

// nestedKeys are those of the token's issuer. They are not fetched anew for every
// token that names another key, but at most once while they are fresh.
func nestedKeys(settings config.Nested, out *Outbound, o Options) *keySet {
	k := newKeySet(settings.Algorithms, o, func(ctx context.Context) ([]jose.JSONWebKey, error) {
		if settings.DID != "" {
			return fetchDID(ctx, out, settings.DID)
		}
		return fetchKeys(ctx, out, settings.JWKS)
	})
	k.keys.rest = keysFresh
	k.exact = settings.DID != ""
	return k
}

// unfold puts what the nested tokens say into t, in place of the tokens.
func (c *oidcConnector) unfold(ctx context.Context, t told) error {
	found := map[string]string{}
	for _, n := range c.nested { // all of them, before the first is taken away
		raw, err := n.find(t.claims)
		if err != nil {
			return err
		}
		found[n.name] = raw
	}
	for _, n := range c.nested {
		delete(t.claims, n.name) // whoever else says it has not signed it
		raw := found[n.name]
		if raw == "" {
			continue
		}
		claims, err := c.readNested(ctx, n, raw, t.signed[idTokenName])
		if err != nil {
			return err
		}
		t.forget(raw)
		t.claims[n.name], t.signed[n.name] = map[string]any(claims), claims
	}
	return nil
}

// find returns the token, or "" where there is none: the person has not got as
// far, say.
func (n nestedToken) find(claims mapping.Claims) (string, error) {
	value, err := n.in.Eval(map[string]any(claims))
	if errors.Is(err, mapping.ErrAbsent) || err == nil && value == nil {
		return "", nil
	}
	raw, ok := value.(string)
	if err != nil || !ok || raw == "" || len(raw) > maxToken {
		return "", fail(Refused, "%s: what is there is no token", n.name)
	}
	return raw, nil
}

// readNested checks that the token was made by its issuer, for us, about the
// person of the ID token, which says said, and that it holds today.
func (c *oidcConnector) readNested(ctx context.Context, n nestedToken, raw string, said mapping.Claims) (mapping.Claims, error) {
	claims, err := n.keys.read(ctx, n.name, raw)
	if err != nil {
		return nil, err
	}
	switch {
	case claims.Text("iss") != n.settings.Issuer:
		err = errors.New("iss is another issuer")
	case claims.Text("sub") != said.Text("sub"):
		err = errors.New("sub is another person's")
	case enabled(n.settings.Audience):
		err = checkAudience(claims, c.clientID)
	}
	if enabled(n.settings.Expires) {
		err = cmp.Or(err, checkPresent(claims, "exp"))
	}
	err = cmp.Or(err, checkTimes(claims, c.now(), c.settings.ClockSkew))
	if err != nil {
		return nil, fail(Refused, "%s: %w", n.name, err)
	}
	return claims, nil
}
