// Package xmlsig signs SAML messages and verifies them.
//
// [Verify] returns what the signature covers, parsed anew from the very bytes
// that were digested, and nothing else: a [Verified] cannot hold an element that
// merely stands beside a signed one. Keys come from metadata alone; what a
// document says about its own key (KeyInfo) is not looked at.
//
// XML Signature 1.1, SAML Core §5.4 and, for queries, SAML Bindings §3.4.4.1.
package xmlsig

import (
	"crypto"
	"crypto/x509"
	"errors"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Algorithm is a signature algorithm by the name that operators write.
type Algorithm string

// What is verified and, but for PSS and SHA-1, signed with.
const (
	RSASHA256   Algorithm = "rsa-sha256"
	RSASHA384   Algorithm = "rsa-sha384"
	RSASHA512   Algorithm = "rsa-sha512"
	ECDSASHA256 Algorithm = "ecdsa-sha256"
	ECDSASHA384 Algorithm = "ecdsa-sha384"
	ECDSASHA512 Algorithm = "ecdsa-sha512"
	PSSSHA256   Algorithm = "rsa-pss-sha256" // verified only
	PSSSHA384   Algorithm = "rsa-pss-sha384" // verified only
	PSSSHA512   Algorithm = "rsa-pss-sha512" // verified only
	RSASHA1     Algorithm = "rsa-sha1"       // only behind an insecure_ switch
)

// Policy is what a party accepts.
type Policy struct {
	Algorithms    []Algorithm // default: all that verify, without SHA-1
	EnforceExpiry bool        // refuse keys whose certificate has expired
}

// Verified is an element that a trusted key signed.
type Verified struct{ element xmlgate.Element }

// Element is what was signed.
func (v Verified) Element() xmlgate.Element { return v.element }

// Credential is a private key with the certificate that is published for it.
type Credential struct {
	Signer      crypto.Signer // RSA keys also decrypt, where they are a crypto.Decrypter
	Certificate *x509.Certificate
}

// ErrUnsigned says that the element has no signature of its own: not a bad
// one, none.
var ErrUnsigned = errors.New("not signed")

// Verify checks the enveloped signature of the element against each key in
// turn. Errors are ErrUnsigned, or say what is wrong, for the log.
func Verify(u xmlgate.Element, keys []*x509.Certificate, p Policy) (Verified, error) { panic("stub") }

// Within returns a descendant of a verified element as verified: the assertion
// of a signed response.
func (v Verified) Within(e xmlgate.Element) (Verified, error) { panic("stub") }

// Sign returns a copy of the element with an enveloped signature as its second
// child, after Issuer (or the first, where there is none). The element must have
// an ID and declare its namespaces itself.
func Sign(e *etree.Element, c Credential, alg Algorithm) (*etree.Element, error) { panic("stub") }

// SignQuery appends SigAlg and Signature to a query (SAML Bindings §3.4.4.1).
func SignQuery(query string, c Credential, alg Algorithm) (string, error) { panic("stub") }

// VerifyQuery checks the signature of a raw query as it was sent, and returns
// what decode makes of the raw value of its message parameter: the very text
// that was signed. A query without Signature is ErrUnsigned.
func VerifyQuery(raw string, keys []*x509.Certificate, p Policy,
	decode func(value string) (xmlgate.Unverified, error),
) (Verified, error) {
	panic("stub")
}
