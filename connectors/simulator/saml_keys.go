package simulator

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"slices"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// certified holds the keys of a SAML provider, each with its certificate. They
// are made when first needed.
type certified struct {
	alg  jose.SignatureAlgorithm
	name string // whose certificates they are

	mu        sync.Mutex
	published []xmlsig.Credential // the newest, last, signs
	stray     xmlsig.Credential   // never published
	stranger  xmlsig.Credential   // somebody else's altogether, an RSA key
}

// newCredential makes a key and certifies it. It fails only on a machine
// without randomness.
func newCredential(alg jose.SignatureAlgorithm, name string) xmlsig.Credential {
	var signer crypto.Signer
	var err error
	if alg == jose.ES256 {
		signer, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	} else {
		signer, err = rsa.GenerateKey(rand.Reader, 2048)
	}
	if err != nil {
		panic(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Simulated " + name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().AddDate(10, 0, 0),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, signer.Public(), signer)
	if err != nil {
		panic(err)
	}
	certificate, err := x509.ParseCertificate(der)
	if err != nil {
		panic(err)
	}
	return xmlsig.Credential{Signer: signer, Certificate: certificate}
}

// all are the published ones.
func (c *certified) all() []xmlsig.Credential {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.published) == 0 {
		c.published = append(c.published, newCredential(c.alg, c.name))
	}
	return slices.Clone(c.published)
}

// current is the one that signs.
func (c *certified) current() xmlsig.Credential {
	all := c.all()
	return all[len(all)-1]
}

// rotate publishes another one, which signs from now on.
func (c *certified) rotate() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.published = append(c.published, newCredential(c.alg, c.name))
}

// spare publishes another one beside the one that signs.
func (c *certified) spare() xmlsig.Credential {
	made := newCredential(c.alg, c.name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.published = slices.Insert(c.published, 0, made)
	return made
}

// retire takes all but the newest off the metadata.
func (c *certified) retire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.published = c.published[max(0, len(c.published)-1):]
}

// foreign signs, and is not published.
func (c *certified) foreign() xmlsig.Credential {
	return c.once(&c.stray, c.alg)
}

// another is the certificate of somebody else's key, to encrypt with.
func (c *certified) another() *x509.Certificate {
	return c.once(&c.stranger, jose.RS256).Certificate
}

func (c *certified) once(made *xmlsig.Credential, alg jose.SignatureAlgorithm) xmlsig.Credential {
	c.mu.Lock()
	defer c.mu.Unlock()
	if made.Signer == nil {
		*made = newCredential(alg, c.name)
	}
	return *made
}

// algorithm is what a credential signs by.
func algorithm(c xmlsig.Credential) xmlsig.Algorithm {
	if _, ok := c.Signer.(*ecdsa.PrivateKey); ok {
		return xmlsig.ECDSASHA256
	}
	return xmlsig.RSASHA256
}

// RetireKeys takes the keys of a SAML provider that do not sign any more off
// its metadata.
func (p *Provider) RetireKeys() { p.saml.keys.retire() }

// Certificates are those in the metadata of a SAML provider.
func (p *Provider) Certificates() []*x509.Certificate {
	var certificates []*x509.Certificate
	for _, c := range p.saml.keys.all() {
		certificates = append(certificates, c.Certificate)
	}
	return certificates
}
