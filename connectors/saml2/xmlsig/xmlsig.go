// Package xmlsig signs SAML messages and verifies them.
//
// [Verify] returns what the signature covers, parsed anew from the very bytes
// that were digested, and nothing else: a [Verified] cannot hold an element that
// merely stands beside a signed one. Keys come from metadata alone; what a
// document says about its own key (KeyInfo) is not looked at.
//
// The signature over SignedInfo, which is small, is checked before the document
// is canonicalised, so that a forgery costs little however large it is.
//
// XML Signature 1.1, SAML Core §5.4 and, for queries, SAML Bindings §3.4.4.1.
package xmlsig

import (
	"crypto"
	"crypto/x509"
	"errors"
	"slices"
	"time"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Namespaces of what is signed, and of signatures.
const (
	dsig      = "http://www.w3.org/2000/09/xmldsig#"
	assertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	metadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
)

// Policy is what a party accepts. RSA keys shorter than 2048 bits, and curves
// other than P-256, P-384 and P-521, are never accepted.
type Policy struct {
	Algorithms    []Algorithm      // default: all that verify, without SHA-1
	EnforceExpiry bool             // refuse keys whose certificate has expired
	Now           func() time.Time // the clock of EnforceExpiry; default time.Now
}

// allows says whether the algorithm is accepted. SHA-1 has to be listed.
func (p Policy) allows(alg Algorithm) bool {
	if len(p.Algorithms) == 0 {
		return alg != RSASHA1
	}
	return slices.Contains(p.Algorithms, alg)
}

// allowsDigest says whether the hash may digest what is signed.
func (p Policy) allowsDigest(hash crypto.Hash) bool {
	return hash != crypto.SHA1 || slices.Contains(p.Algorithms, RSASHA1)
}

// Accepted lists the digest and the signature algorithms by their URIs, the
// commonest first: what metadata says of us.
func (p Policy) Accepted() (digests, signatures []string) {
	for _, hash := range hashes() {
		if p.allowsDigest(hash) {
			digests = append(digests, digestURI(hash))
		}
	}
	for _, m := range methods() {
		if p.allows(m.name) {
			signatures = append(signatures, m.uri)
		}
	}
	return digests, signatures
}

// current refuses a key that is used outside its certificate's time, if that
// is the policy.
func (p Policy) current(cert *x509.Certificate) error {
	if !p.EnforceExpiry {
		return nil
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	if t := now(); t.Before(cert.NotBefore) || t.After(cert.NotAfter) {
		return errors.New("certificate expired or not valid yet")
	}
	return nil
}

// Verified is an element that a trusted key signed.
type Verified struct{ element xmlgate.Element }

// Element is what was signed.
func (v Verified) Element() xmlgate.Element { return v.element }

// Within returns a descendant of a verified element as verified: the assertion
// of a signed response.
func (v Verified) Within(e xmlgate.Element) (Verified, error) {
	for at := e.Tree(); at != nil; at = at.Parent() {
		if at == v.element.Tree() {
			return Verified{e}, nil
		}
	}
	return Verified{}, errors.New("not part of what was signed")
}

// Credential is a private key with the certificate that is published for it.
type Credential struct {
	Signer      crypto.Signer // RSA keys also decrypt, where they are a crypto.Decrypter
	Certificate *x509.Certificate
}

// ErrUnsigned says that the element has no signature of its own: not a bad
// one, none.
var ErrUnsigned = errors.New("not signed")

// verifyWithAny tries the keys in turn. The error is the last key's.
func verifyWithAny(keys []*x509.Certificate, p Policy, m method, signed, signature []byte) error {
	err := errors.New("no key to verify with")
	for _, cert := range keys {
		if err = p.current(cert); err != nil {
			continue
		}
		if err = m.verify(cert.PublicKey, signed, signature); err == nil {
			return nil
		}
	}
	return err
}

// childrenAre reports whether the elements are exactly these of the signature
// namespace, in this order.
func childrenAre(elements []xmlgate.Element, locals ...string) bool {
	return slices.EqualFunc(elements, locals, func(e xmlgate.Element, local string) bool {
		return e.Is(dsig, local)
	})
}
