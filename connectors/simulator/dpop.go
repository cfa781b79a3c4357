package simulator

import (
	"crypto"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"
)

// dpopProof is what a DPoP proof says (RFC 9449 §4.2).
type dpopProof struct {
	jwt.Claims
	Method string `json:"htm"`
	URL    string `json:"htu"`
	Hash   string `json:"ath"`
}

// proves reports whether the request has a sound DPoP proof (RFC 9449 §4.3) for
// its access token, by the key that the token is bound to, where it carries one.
func (p *Provider) proves(r *http.Request, accessToken string) bool {
	proofs := r.Header.Values("DPoP")
	if len(proofs) != 1 {
		return false
	}
	proof, key, ok := readProof(proofs[0])
	if !ok || proof.Method != r.Method || !p.addresses[r.URL.Path].is(proof.URL) || !p.recent(proof) {
		return false
	}
	if accessToken == "" {
		return true
	}
	g, ok := p.tokens.get(accessToken)
	sum := sha256.Sum256([]byte(accessToken))
	return ok && proof.Hash == base64.RawURLEncoding.EncodeToString(sum[:]) && thumbprint(key) == g.thumbprint
}

func readProof(text string) (proof dpopProof, key *jose.JSONWebKey, ok bool) {
	token, err := jwt.ParseSigned(text, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return proof, nil, false
	}
	header := token.Headers[0]
	key = header.JSONWebKey
	if header.ExtraHeaders[jose.HeaderType] != "dpop+jwt" || key == nil || !key.IsPublic() {
		return proof, nil, false
	}
	return proof, key, token.Claims(key, &proof) == nil
}

// recent reports whether a proof was made just now, and never seen.
func (p *Provider) recent(proof dpopProof) bool {
	if proof.ID == "" || proof.IssuedAt == nil || p.now().Sub(proof.IssuedAt.Time()).Abs() > 2*time.Minute {
		return false
	}
	_, seen := p.assertions.take("dpop " + proof.ID)
	p.assertions.put("dpop "+proof.ID, struct{}{}, p.now())
	return !seen
}

// thumbprintOf is the thumbprint of the key of a proof, "" for none.
func thumbprintOf(proof string) string {
	if _, key, ok := readProof(proof); ok {
		return thumbprint(key)
	}
	return ""
}

// thumbprint names a key (RFC 7638).
func thumbprint(key *jose.JSONWebKey) string {
	sum, err := key.Thumbprint(crypto.SHA256)
	if err != nil {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString(sum)
}
