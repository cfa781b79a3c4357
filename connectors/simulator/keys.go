package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"fmt"
	"strings"
	"sync"

	"github.com/go-jose/go-jose/v4"
)

// key is one signing key.
type key struct {
	id      string
	public  crypto.PublicKey
	private crypto.Signer // nil for a shared secret
	signer  jose.Signer
}

// ring holds the keys that sign one kind of token. They are made when first
// needed, because an RSA key takes its time.
type ring struct {
	alg    jose.SignatureAlgorithm
	prefix string // what the names of its keys begin with
	secret []byte // in place of keys, under HS256

	mu        sync.Mutex
	published []*key // the newest, last, signs
	stray     *key   // never published
	withheld  bool   // the published keys cannot be fetched
	disowning bool   // they are published as somebody else's
}

func newKey(alg jose.SignatureAlgorithm, id string) (*key, error) {
	var private crypto.Signer
	var err error
	if alg == jose.ES256 {
		private, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		private, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		return nil, fmt.Errorf("make %s key: %w", alg, err)
	}
	signer, err := signerOf(alg, private, id)
	return &key{id: id, public: private.Public(), private: private, signer: signer}, err
}

func signerOf(alg jose.SignatureAlgorithm, secret any, id string) (jose.Signer, error) {
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: jose.JSONWebKey{Key: secret, KeyID: id}},
		(&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("use %s key: %w", alg, err)
	}
	return signer, nil
}

// newKey makes a key of the ring's kind. Two parties that share a secret have
// no other.
func (r *ring) newKey(id string, secret []byte) (*key, error) {
	if r.alg != jose.HS256 {
		return newKey(r.alg, r.prefix+id)
	}
	signer, err := signerOf(r.alg, secret, id)
	return &key{id: id, signer: signer}, err
}

// current is the key that signs.
func (r *ring) current() (*key, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.published) == 0 {
		if err := r.publish(rand.Text()); err != nil {
			return nil, err
		}
	}
	return r.published[len(r.published)-1], nil
}

// publish makes a key and signs with it from now on. The caller holds mu.
func (r *ring) publish(id string) error {
	k, err := r.newKey(id, r.secret)
	if err != nil {
		return err
	}
	r.published = append(r.published, k)
	return nil
}

func (r *ring) rotate() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.publish(rand.Text())
}

// rotateTwins publishes two keys of one kid, of which the second signs.
func (r *ring) rotateTwins() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	id := rand.Text()
	if err := r.publish(id); err != nil {
		return err
	}
	return r.publish(id)
}

// withhold says whether the keys can be fetched from now on.
func (r *ring) withhold(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.withheld = yes
}

// disown says whether the keys are somebody else's from now on.
func (r *ring) disown(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.disowning = yes
}

func (r *ring) disowned() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.disowning
}

// set is what the provider publishes; ok is false while it cannot be fetched.
func (r *ring) set() (set jose.JSONWebKeySet, ok bool, err error) {
	if _, err := r.current(); err != nil {
		return set, false, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range r.published {
		if k.public == nil {
			continue
		}
		set.Keys = append(set.Keys, jose.JSONWebKey{Key: k.public, KeyID: k.id, Algorithm: string(r.alg), Use: "sig"})
	}
	return set, !r.withheld, nil
}

// sign returns the compact JWS of payload.
func (r *ring) sign(payload []byte) (string, error) {
	k, err := r.current()
	if err != nil {
		return "", err
	}
	return compact(k.signer, payload)
}

func compact(signer jose.Signer, payload []byte) (string, error) {
	jws, err := signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws.CompactSerialize()
}

// The signatures of faults.

// signAstray signs with a key that is not published.
func (r *ring) signAstray(payload []byte) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.stray == nil {
		stray, err := r.newKey(rand.Text(), []byte(rand.Text()+rand.Text()))
		if err != nil {
			return "", err
		}
		r.stray = stray
	}
	return compact(r.stray.signer, payload)
}

// signByHMAC keys an HMAC with the text of the public key, which a verifier
// that lets the token choose its algorithm would accept.
func (r *ring) signByHMAC(payload []byte) (string, error) {
	k, err := r.current()
	if err != nil {
		return "", err
	}
	der, err := x509.MarshalPKIXPublicKey(k.public)
	if err != nil {
		return "", err
	}
	secret := pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})
	signer, err := signerOf(jose.HS256, secret, k.id)
	if err != nil {
		return "", err
	}
	return compact(signer, payload)
}

// rotated signs with a new key that is published at once.
func (r *ring) rotated(payload []byte) (string, error) {
	if err := r.rotate(); err != nil {
		return "", err
	}
	return r.sign(payload)
}

// twinned signs with the second of two new keys of one kid.
func (r *ring) twinned(payload []byte) (string, error) {
	if err := r.rotateTwins(); err != nil {
		return "", err
	}
	return r.sign(payload)
}

// signBadly signs something else with the right key.
func (r *ring) signBadly(payload []byte) (string, error) {
	k, err := r.current()
	if err != nil {
		return "", err
	}
	token, err := compact(k.signer, append(payload, ' '))
	if err != nil {
		return "", err
	}
	parts := strings.Split(token, ".")
	return parts[0] + "." + base64.RawURLEncoding.EncodeToString(payload) + "." + parts[2], nil
}

// unsigned is a JWS that says it needs no signature (RFC 7515 Appendix A.5).
func (r *ring) unsigned(payload []byte) (string, error) {
	encode := base64.RawURLEncoding.EncodeToString
	return encode([]byte(`{"alg":"none","typ":"JWT"}`)) + "." + encode(payload) + ".", nil
}

// misnamed signs well and names another algorithm in the header, as GOV.UK One
// Login's simulator does for INVALID_ALG_HEADER.
func (r *ring) misnamed(payload []byte) (string, error) {
	k, err := r.current()
	if err != nil {
		return "", err
	}
	token, err := compact(k.signer, payload)
	if err != nil {
		return "", err
	}
	_, rest, _ := strings.Cut(token, ".")
	header := fmt.Sprintf(`{"alg":"HS256","typ":"JWT","kid":%q}`, k.id)
	return base64.RawURLEncoding.EncodeToString([]byte(header)) + "." + rest, nil
}
