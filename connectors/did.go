package connectors

import (
	"context"
	"encoding/json"

	"github.com/go-jose/go-jose/v4"
)

// didDocument is what we need of a DID document (W3C Decentralized Identifiers
// 1.0 §5).
type didDocument struct {
	ID                 string            `json:"id"`
	VerificationMethod []didMethod       `json:"verificationMethod"`
	AssertionMethod    []json.RawMessage `json:"assertionMethod"` // methods, or the ids of some above: §5.3
}

type didMethod struct {
	ID         string          `json:"id"`
	Controller string          `json:"controller"`
	JWK        json.RawMessage `json:"publicKeyJwk"`
}

// fetchDID fetches the keys that the DID document at a fixed address has for
// assertions, each under the id of its method. Methods that others control are
// not the issuer's. The DID in a token's kid is not resolved: that would be to
// ask whomever the token names who signed it.
func fetchDID(ctx context.Context, client *Outbound, address string) ([]jose.JSONWebKey, error) {
	var document didDocument
	if err := client.getJSON(ctx, "did", address, nil, &document); err != nil {
		return nil, err
	}
	var keys []jose.JSONWebKey
	for _, method := range document.asserting() {
		var key jose.JSONWebKey
		ours := document.ID != "" && method.Controller == document.ID
		if ours && method.ID != "" && key.UnmarshalJSON(method.JWK) == nil {
			key.KeyID = method.ID
			keys = append(keys, key)
		}
	}
	return keys, nil
}

// asserting are the methods for assertions (§5.3.2). What is not understood is
// left out.
func (d didDocument) asserting() []didMethod {
	var methods []didMethod
	for _, raw := range d.AssertionMethod {
		var method didMethod
		if json.Unmarshal(raw, &method) == nil {
			methods = append(methods, method)
			continue
		}
		var id string
		if json.Unmarshal(raw, &id) != nil {
			continue
		}
		for _, method := range d.VerificationMethod {
			if method.ID == id {
				methods = append(methods, method)
			}
		}
	}
	return methods
}
