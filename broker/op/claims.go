package op

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"

	"github.com/councilid/councilid/mapping"
)

// claimsRequest is the claims parameter (OpenID Connect Core §5.5): claims by
// name, and where each is to be told. nil stands for a claim that is asked for
// in the default manner.
type claimsRequest struct {
	UserInfo map[string]*claimRequest `json:"userinfo"`
	IDToken  map[string]*claimRequest `json:"id_token"`
}

// claimRequest says how one claim is wanted (§5.5.1).
type claimRequest struct {
	Essential bool  `json:"essential"`
	Value     any   `json:"value"`
	Values    []any `json:"values"`
}

// What a claims parameter may be.
const (
	maxClaimsParameter = 8 << 10 // bytes
	maxClaims          = 50      // in each place
)

// readClaims reads the claims parameter. Members that nobody knows say nothing
// (§5.5).
func (a *authorization) readClaims(form url.Values) error {
	text := form.Get("claims")
	if text == "" {
		return nil
	}
	if len(text) > maxClaimsParameter || json.Unmarshal([]byte(text), &a.claims) != nil {
		return refused(invalidRequest, "claims must be a JSON object as OpenID Connect Core §5.5 has it, of at most 8 KiB")
	}
	if len(a.claims.UserInfo) > maxClaims || len(a.claims.IDToken) > maxClaims {
		return refused(invalidRequest, "claims asks for too many")
	}
	return nil
}

// accepts are the texts that will do for the claim; nil for any.
func (c *claimRequest) accepts() []string {
	var all []string
	for _, value := range append([]any{c.Value}, c.Values...) {
		if text, ok := value.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// binding reports whether the claim must have one of some values. nil is not asked for.
func (c *claimRequest) binding() bool {
	return c != nil && c.Essential && (c.Value != nil || len(c.Values) > 0)
}

// subject is who must sign in by the claims parameter: the value of sub, in
// either place (§5.5.1). "": anybody.
func (r claimsRequest) subject() (string, error) {
	subject := ""
	for _, place := range []map[string]*claimRequest{r.IDToken, r.UserInfo} {
		sub := place["sub"]
		if sub == nil || sub.Value == nil {
			continue
		}
		text, ok := sub.Value.(string)
		if !ok || subject != "" && subject != text {
			return "", refused(invalidRequest, "claims asks for a sub that nobody can have")
		}
		subject = text
	}
	return subject, nil
}

// names are the claims asked for in a place.
func names(place map[string]*claimRequest) []string { return slices.Sorted(maps.Keys(place)) }

// alsoReleased adds to what the scopes ask for the claims that were asked for by
// name. An app sees no more by one way than by the other: what its registration
// lists.
func (c *client) alsoReleased(g *grant, known mapping.Claims, answer reply) {
	asked := slices.Concat(answer.InUserInfo, answer.InIDToken)
	if len(asked) == 0 {
		return
	}
	every := c.release.Apply(known, knownScopes[:])
	inScopes := g.Claims
	g.Claims = maps.Clone(inScopes)
	for _, name := range asked {
		if value, ok := every[name]; ok {
			g.Claims[name] = value
		}
	}
	for _, name := range answer.InIDToken {
		if _, ok := every[name]; ok {
			g.InIDToken = append(g.InIDToken, name)
		}
	}
}

// MarshalJSON puts claims that were asked for by name beside those that every ID
// token has (Core §2).
func (t idToken) MarshalJSON() ([]byte, error) {
	type bare idToken
	own, err := json.Marshal(bare(t))
	if err != nil || len(t.Claims) == 0 {
		return own, err
	}
	all := map[string]any{}
	maps.Copy(all, t.Claims)
	if err := json.Unmarshal(own, &all); err != nil { // ours have the last word
		return nil, fmt.Errorf("ID token: %w", err)
	}
	return json.Marshal(all)
}
