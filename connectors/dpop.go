package connectors

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// DPoP (RFC 9449): a provider that wants it binds the authorization code and the
// access token of a sign-in to a key of ours, and whoever steals them has
// nothing.

// bind is ctx for the calls of a, which prove possession of its key where that is
// agreed, and what the key is called; "" where it is not.
func (c *oidcConnector) bind(ctx context.Context, a Attempt) (context.Context, string, error) {
	if c.settings.DPoP != "required" {
		return ctx, "", nil
	}
	key, err := proofKey(a.Verifier)
	if err != nil {
		return nil, "", fail(Refused, "dpop: %w", err)
	}
	name, err := thumbprint(jose.JSONWebKey{Key: key})
	if err != nil {
		return nil, "", fail(Refused, "dpop: %w", err)
	}
	return context.WithValue(ctx, proofContext{}, key), name, nil
}

// proofKey is the key of the sign-in that has this code verifier. It is needed
// before and after the person's visit at the provider, on any node; made out of
// the verifier it need not be kept, and cannot be stolen, by itself.
//
// That is safe because the verifier is 256 bits of chance that are used for one
// sign-in and never leave the server but for the provider, when the code is
// redeemed: for the party that gives out the token which the key protects. What
// PKCE shows of it before is a hash, of which HKDF (RFC 5869) says nothing.
func proofKey(verifier string) (*ecdsa.PrivateKey, error) {
	if verifier == "" {
		return nil, errors.New("the attempt has no secret to make a key of")
	}
	curve := elliptic.P256()
	seed, err := hkdf.Key(sha256.New, []byte(verifier), nil, "councilid DPoP key", 48)
	if err != nil {
		return nil, err
	}
	// FIPS 186-5 §A.2.1: from 1 to n-1, out of so many more bits than n has that
	// no key is likelier than another.
	most := new(big.Int).Sub(curve.Params().N, big.NewInt(1))
	d := new(big.Int).Mod(new(big.Int).SetBytes(seed), most)
	d.Add(d, big.NewInt(1))
	return ecdsa.ParseRawPrivateKey(curve, d.FillBytes(make([]byte, 32)))
}

type proofContext struct{}

// proving is a transport that proves possession of the key in a call's context:
// where a token is asked for, which is a POST, and where one is used.
type proving struct {
	next http.RoundTripper
	now  func() time.Time

	mu     sync.Mutex
	nonces map[string]string // what servers last gave us to put into proofs (§8.2), by host
}

// RoundTrip implements [http.RoundTripper]. A server that wants a nonce in the
// proof says so, has done nothing, and is asked once more (§8, §9).
func (p *proving) RoundTrip(r *http.Request) (*http.Response, error) {
	key, ok := r.Context().Value(proofContext{}).(*ecdsa.PrivateKey)
	if !ok || r.Method != http.MethodPost && accessToken(r) == "" {
		return p.next.RoundTrip(r)
	}
	resp, err := p.prove(r, key)
	if err != nil || !wantsNonce(resp) {
		return resp, err
	}
	resp.Body.Close()
	return p.prove(r, key)
}

func (p *proving) prove(r *http.Request, key *ecdsa.PrivateKey) (*http.Response, error) {
	proof, err := p.proof(r, key)
	if err != nil {
		return nil, fmt.Errorf("make a DPoP proof: %w", err)
	}
	r = r.Clone(r.Context())
	r.Header.Set("DPoP", proof)
	if r.GetBody != nil { // the body is read each time
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	resp, err := p.next.RoundTrip(r)
	if err == nil {
		p.remember(r.URL.Host, resp.Header.Get("DPoP-Nonce"))
	}
	return resp, err
}

// proof is the header of one call (§4.2).
func (p *proving) proof(r *http.Request, key *ecdsa.PrivateKey) (string, error) {
	target := url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host, Path: r.URL.Path, RawPath: r.URL.RawPath}
	now := p.now()
	claims := map[string]any{
		"jti": rand.Text(), "htm": r.Method, "htu": target.String(),
		"iat": now.Unix(), "exp": now.Add(assertionLifetime).Unix(), // FAPI 2.0 providers want exp, which RFC 9449 leaves open
	}
	if token := accessToken(r); token != "" {
		sum := sha256.Sum256([]byte(token))
		claims["ath"] = base64.RawURLEncoding.EncodeToString(sum[:])
	}
	if nonce := p.nonce(r.URL.Host); nonce != "" {
		claims["nonce"] = nonce
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	options := (&jose.SignerOptions{EmbedJWK: true}).WithType("dpop+jwt")
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.ES256, Key: key}, options)
	if err != nil {
		return "", err
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		return "", err
	}
	return signed.CompactSerialize()
}

func (p *proving) nonce(host string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.nonces[host]
}

func (p *proving) remember(host, nonce string) {
	if nonce == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.nonces == nil {
		p.nonces = map[string]string{}
	}
	p.nonces[host] = nonce
}

// accessToken is the token that r presents (§7.1).
func accessToken(r *http.Request) string {
	token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "DPoP ")
	if !ok {
		return ""
	}
	return token
}

// wantsNonce reports whether an answer asks for another proof: as an error of
// the token endpoint (§8) or as a challenge (§9).
func wantsNonce(resp *http.Response) bool {
	refused := resp.StatusCode == http.StatusBadRequest || resp.StatusCode == http.StatusUnauthorized
	if !refused || resp.Header.Get("DPoP-Nonce") == "" {
		return false
	}
	const code = "use_dpop_nonce"
	if strings.Contains(resp.Header.Get("WWW-Authenticate"), code) {
		return true
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxToken))
	rest := resp.Body
	resp.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(body), rest), rest}
	var answer struct{ Error string }
	return err == nil && json.Unmarshal(body, &answer) == nil && answer.Error == code
}
