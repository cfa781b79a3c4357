package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"net/url"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/mapping"
)

// write is the message as it is posted.
func (t *telling) write(p *Provider) (string, error) {
	switch t.protocol {
	case "frontchannel":
		return t.query(), nil
	case "facebook":
		request, err := t.signedRequest()
		return url.Values{"signed_request": {request}}.Encode(), err
	}
	token, err := t.token(p)
	if err != nil {
		return "", err
	}
	switch t.protocol {
	case "backchannel":
		return url.Values{"logout_token": {token}}.Encode(), nil
	case "apple":
		body, err := json.Marshal(map[string]string{"payload": token})
		return string(body), err
	}
	return token, nil
}

// token is the signed token of the event.
func (t *telling) token(p *Provider) (string, error) {
	claims := maps.Clone(t.claims)
	if t.payload != nil {
		var events any = mapping.Claims{t.word: t.payload}
		if t.protocol == "apple" {
			events = t.payload
		}
		if t.text {
			text, err := json.Marshal(events)
			if err != nil {
				return "", err
			}
			events = string(text)
		}
		claims["events"] = events
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	return t.sign(&p.keys, t.typ, payload)
}

// signTyped is sign with a typ of its own (RFC 7515 §4.1.9), "" for none.
func (r *ring) signTyped(typ string, payload []byte) (string, error) {
	k, err := r.current()
	if err != nil {
		return "", err
	}
	if k.private == nil {
		return "", errors.New("a shared secret signs no events")
	}
	options := &jose.SignerOptions{}
	if typ != "" {
		options = options.WithType(jose.ContentType(typ))
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: r.alg, Key: jose.JSONWebKey{Key: k.private, KeyID: k.id}}, options)
	if err != nil {
		return "", err
	}
	return compact(signer, payload)
}

// signedRequest is Facebook's: an HMAC of an object, and the object.
func (t *telling) signedRequest() (string, error) {
	payload, err := json.Marshal(t.claims)
	if err != nil {
		return "", err
	}
	encode := base64.RawURLEncoding.EncodeToString
	mac := hmac.New(sha256.New, []byte(t.secret))
	mac.Write([]byte(encode(payload)))
	return encode(mac.Sum(nil)) + "." + encode(payload), nil
}
