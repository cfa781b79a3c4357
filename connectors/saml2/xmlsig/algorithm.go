package xmlsig

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // behind an insecure_ switch only
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/asn1"
	"errors"
	"math/big"
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

// family is a kind of signature.
type family int

const (
	pkcs1 family = iota // RSASSA-PKCS1-v1_5
	pss                 // RSASSA-PSS, salt as long as the hash
	ec                  // ECDSA
)

// method is an algorithm as XML Signature has it.
type method struct {
	name   Algorithm
	uri    string
	family family
	hash   crypto.Hash
}

// methods lists them (RFC 9231 §2.3; PSS: its parameterless identifiers).
func methods() []method {
	return []method{
		{RSASHA256, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256", pkcs1, crypto.SHA256},
		{RSASHA384, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384", pkcs1, crypto.SHA384},
		{RSASHA512, "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512", pkcs1, crypto.SHA512},
		{ECDSASHA256, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256", ec, crypto.SHA256},
		{ECDSASHA384, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384", ec, crypto.SHA384},
		{ECDSASHA512, "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha512", ec, crypto.SHA512},
		{PSSSHA256, "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", pss, crypto.SHA256},
		{PSSSHA384, "http://www.w3.org/2007/05/xmldsig-more#sha384-rsa-MGF1", pss, crypto.SHA384},
		{PSSSHA512, "http://www.w3.org/2007/05/xmldsig-more#sha512-rsa-MGF1", pss, crypto.SHA512},
		{RSASHA1, "http://www.w3.org/2000/09/xmldsig#rsa-sha1", pkcs1, crypto.SHA1},
	}
}

// acceptable returns the method of a URI, if the policy accepts it.
func acceptable(uri string, p Policy) (method, error) {
	for _, m := range methods() {
		if m.uri == uri && p.allows(m.name) {
			return m, nil
		}
	}
	return method{}, errors.New("signature algorithm not accepted")
}

// signing returns the method to sign with.
func signing(alg Algorithm) (method, error) {
	for _, m := range methods() {
		if m.name == alg && m.family != pss && m.hash != crypto.SHA1 {
			return m, nil
		}
	}
	return method{}, errors.New("not an algorithm to sign with")
}

// digestURI names the hash (RFC 9231 §2.1, XML Encryption §5.7).
func digestURI(hash crypto.Hash) string {
	switch hash {
	case crypto.SHA256:
		return "http://www.w3.org/2001/04/xmlenc#sha256"
	case crypto.SHA384:
		return "http://www.w3.org/2001/04/xmldsig-more#sha384"
	case crypto.SHA512:
		return "http://www.w3.org/2001/04/xmlenc#sha512"
	default:
		return "http://www.w3.org/2000/09/xmldsig#sha1"
	}
}

// hashes lists what documents are digested with, the commonest first.
func hashes() []crypto.Hash {
	return []crypto.Hash{crypto.SHA256, crypto.SHA384, crypto.SHA512, crypto.SHA1}
}

// acceptableDigest returns the hash of a URI, if the policy accepts it.
func acceptableDigest(uri string, p Policy) (crypto.Hash, error) {
	for _, hash := range hashes() {
		if digestURI(hash) == uri && p.allowsDigest(hash) {
			return hash, nil
		}
	}
	return 0, errors.New("digest algorithm not accepted")
}

func sum(hash crypto.Hash, data []byte) []byte {
	h := hash.New()
	h.Write(data)
	return h.Sum(nil)
}

// verify checks a signature as XML Signature writes it.
func (m method) verify(key crypto.PublicKey, signed, signature []byte) error {
	switch k := key.(type) {
	case *rsa.PublicKey:
		return m.verifyRSA(k, sum(m.hash, signed), signature)
	case *ecdsa.PublicKey:
		return m.verifyECDSA(k, sum(m.hash, signed), signature)
	}
	return errors.New("key of an unknown kind")
}

var (
	errKind  = errors.New("signature algorithm for another kind of key")
	errMatch = errors.New("signature does not match")
)

func (m method) verifyRSA(key *rsa.PublicKey, digest, signature []byte) error {
	var err error
	switch {
	case key.N.BitLen() < 2048:
		return errors.New("RSA key shorter than 2048 bits")
	case m.family == pkcs1:
		err = rsa.VerifyPKCS1v15(key, m.hash, digest, signature)
	case m.family == pss: // RFC 9231 §2.3.10: the salt is as long as the hash
		err = rsa.VerifyPSS(key, m.hash, digest, signature, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	default:
		return errKind
	}
	if err != nil {
		return errMatch
	}
	return nil
}

// verifyECDSA takes r and s as fixed-length numbers, one after the other (XML
// Signature 1.1 §6.4.3), not as ASN.1.
func (m method) verifyECDSA(key *ecdsa.PublicKey, digest, signature []byte) error {
	n, err := width(key)
	if err != nil {
		return err
	}
	switch {
	case m.family != ec:
		return errKind
	case len(signature) != 2*n:
		return errors.New("ECDSA signature of a wrong length")
	}
	r, s := new(big.Int).SetBytes(signature[:n]), new(big.Int).SetBytes(signature[n:])
	if !ecdsa.Verify(key, digest, r, s) {
		return errMatch
	}
	return nil
}

// width is the length of r and of s for the key's curve.
func width(key *ecdsa.PublicKey) (int, error) {
	switch bits := key.Curve.Params().BitSize; bits {
	case 256, 384, 521:
		return (bits + 7) / 8, nil
	}
	return 0, errors.New("elliptic curve not accepted")
}

// sign makes a signature as XML Signature writes it.
func (m method) sign(signer crypto.Signer, data []byte) ([]byte, error) {
	digest := sum(m.hash, data)
	switch key := signer.Public().(type) {
	case *rsa.PublicKey:
		if m.family != pkcs1 {
			return nil, errKind
		}
		return signer.Sign(rand.Reader, digest, m.hash)
	case *ecdsa.PublicKey:
		if m.family != ec {
			return nil, errKind
		}
		return signECDSA(signer, key, digest, m.hash)
	}
	return nil, errors.New("key of an unknown kind")
}

// signECDSA turns the signer's ASN.1 into r and s (XML Signature 1.1 §6.4.3).
func signECDSA(signer crypto.Signer, key *ecdsa.PublicKey, digest []byte, hash crypto.Hash) ([]byte, error) {
	n, err := width(key)
	if err != nil {
		return nil, err
	}
	der, err := signer.Sign(rand.Reader, digest, hash)
	if err != nil {
		return nil, err
	}
	var pair struct{ R, S *big.Int }
	if _, err := asn1.Unmarshal(der, &pair); err != nil {
		return nil, errors.New("signature not in ASN.1")
	}
	signature := make([]byte, 2*n)
	pair.R.FillBytes(signature[:n])
	pair.S.FillBytes(signature[n:])
	return signature, nil
}
