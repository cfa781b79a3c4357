package simulator

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// nestedLifetime is that of nested tokens which expire.
const nestedLifetime = 30 * time.Minute

// nestedRings are the keys of the nested tokens, by their names. A token of the
// provider's own keys has their ring.
func (p *Provider) nestedRings() map[string]*ring {
	rings := map[string]*ring{}
	for name, token := range p.terms.nested {
		switch {
		case token.JWKS == p.terms.endpoints.JWKS:
			rings[name] = &p.keys
		default:
			rings[name] = &ring{alg: jose.SignatureAlgorithm(token.Algorithms[0]), prefix: prefixOf(token)}
		}
	}
	return rings
}

// prefixOf is what the names of keys begin with that a DID document lists.
func prefixOf(token config.Nested) string {
	if token.DID == "" {
		return ""
	}
	return controllerOf(token.DID) + "#"
}

// controllerOf is the did:web that a document at an address is of (did:web
// Method Specification §3.2).
func controllerOf(address string) string {
	_, place, _ := strings.Cut(address, "://")
	host, path, _ := strings.Cut(strings.TrimSuffix(place, "/.well-known/did.json"), "/")
	controller := "did:web:" + strings.ReplaceAll(url.PathEscape(host), ":", "%3A")
	if path != "" {
		controller += ":" + strings.ReplaceAll(path, "/", ":")
	}
	return controller
}

func (p *Provider) nestedAddresses() []*address {
	var all []*address
	for name, token := range p.terms.nested {
		keys := p.nested[name]
		switch {
		case token.DID != "":
			serve := func(w http.ResponseWriter, _ *http.Request) { p.publishDID(w, keys, controllerOf(token.DID)) }
			all = append(all, &address{name: name, artefact: NestedKeys, url: token.DID, serve: serve})
		case keys != &p.keys:
			serve := func(w http.ResponseWriter, _ *http.Request) { p.publishKeys(w, keys) }
			all = append(all, &address{name: name, artefact: NestedKeys, url: token.JWKS, serve: serve})
		}
	}
	return all
}

// publishDID serves the DID document of a controller (DID Core §5.3.2) as GOV.UK
// One Login has it.
func (p *Provider) publishDID(w http.ResponseWriter, keys *ring, controller string) {
	set, ok, err := keys.set()
	if err != nil || !ok {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	owner := controller
	if keys.disowned() {
		owner = "did:web:elsewhere.invalid"
	}
	var methods []any
	for _, k := range set.Keys {
		methods = append(methods, map[string]any{"type": "JsonWebKey", "id": k.KeyID, "controller": owner, "publicKeyJwk": k})
	}
	writeJSON(w, http.StatusOK, map[string]any{
		"@context":        []string{"https://www.w3.org/ns/did/v1", "https://w3id.org/security/jwk/v1"},
		"id":              controller,
		"assertionMethod": methods,
	})
}

// nest makes the nested tokens of a grant, for what is said of the person to
// carry.
func (p *Provider) nest(g *grant, person mapping.Claims) error {
	tokens := map[string]any{}
	for name, words := range p.tongue.nested {
		if words.when != nil {
			if yes, err := words.when.Eval(person); err != nil || yes != true {
				continue
			}
		}
		token, err := p.nestedToken(g, name, p.utter(words.claims, person))
		if err != nil {
			return fmt.Errorf("make nested token %s: %w", name, err)
		}
		tokens[name] = token
	}
	person["nested"] = tokens
	return nil
}

func (p *Provider) nestedToken(g *grant, name string, claims mapping.Claims) (string, error) {
	terms, now := p.terms.nested[name], p.now()
	claims["iss"], claims["iat"], claims["nbf"] = terms.Issuer, now.Unix(), now.Unix()
	if terms.Audience == nil || *terms.Audience {
		claims["aud"] = p.cfg.ClientID
	}
	if terms.Expires == nil || *terms.Expires {
		claims["exp"] = now.Add(nestedLifetime).Unix()
	}
	if g.fault.nested != nil {
		g.fault.nested(p, claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	keys := p.nested[name]
	if keys != &p.keys {
		keys.withhold(g.fault.breaks(NestedKeys))
		keys.disown(g.fault.disowns)
	}
	if g.fault.signNested != nil {
		return g.fault.signNested(keys, payload)
	}
	return keys.sign(payload)
}
