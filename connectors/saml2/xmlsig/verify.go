package xmlsig

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strings"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// enveloped is the transform that leaves the signature out of what it signs.
const enveloped = "http://www.w3.org/2000/09/xmldsig#enveloped-signature"

// Verify checks the enveloped signature of the element against each key in
// turn. The signature must be where SAML has it: the second child element, after
// Issuer; in metadata, which has no Issuer, the first. It covers the element by
// its ID and nothing else.
//
// Errors are ErrUnsigned, or say what is wrong, for the log. With several keys
// the last one's is returned.
func Verify(u xmlgate.Element, keys []*x509.Certificate, p Policy) (Verified, error) {
	s, err := find(u)
	if err != nil {
		return Verified{}, err
	}
	signed, info, err := s.signedInfo()
	if err != nil {
		return Verified{}, err
	}
	m, err := info.method(p)
	if err != nil {
		return Verified{}, err
	}
	ref, err := info.reference(u.Attr("ID"), p)
	if err != nil {
		return Verified{}, err
	}
	if err := verifyWithAny(keys, p, m, signed, s.value); err != nil {
		return Verified{}, err
	}
	return s.covered(u, ref)
}

// signature is a ds:Signature whose outer shape is right.
type signature struct {
	tree  *etree.Element
	info  *etree.Element
	value []byte
}

// find returns the signature of the element itself. That of an element inside
// is none of its business.
func find(u xmlgate.Element) (signature, error) {
	switch len(u.Children(dsig, "Signature")) {
	case 0:
		return signature{}, ErrUnsigned
	case 1:
	default:
		return signature{}, errors.New("several signatures")
	}
	children := u.Children("", "")
	switch {
	case u.Tree().NamespaceURI() == metadata: // SAML Metadata §2.3.1, §2.3.2
	case children[0].Is(assertion, "Issuer"): // SAML Core §2.3.3, §3.2.1, §3.2.2
		children = children[1:]
	default:
		return signature{}, errors.New("signature without an issuer before it")
	}
	if !children[0].Is(dsig, "Signature") {
		return signature{}, errors.New("signature out of its place")
	}
	return read(children[0])
}

func read(e xmlgate.Element) (signature, error) {
	parts := e.Children("", "")
	if !childrenAre(parts, "SignedInfo", "SignatureValue", "KeyInfo") && !childrenAre(parts, "SignedInfo", "SignatureValue") {
		return signature{}, errors.New("signature of an unexpected shape")
	}
	value, err := decode(parts[1].Text())
	if err != nil {
		return signature{}, errors.New("signature value not in base64")
	}
	return signature{tree: e.Tree(), info: parts[0].Tree(), value: value}, nil
}

// decode reads base64, which may be broken and indented anywhere.
func decode(text string) ([]byte, error) {
	return base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
}

// signedInfo is what a key signs: it is read from the bytes that it signs.
type signedInfo struct{ xmlgate.Element }

// longestSignedInfo is many times what one reference needs.
const longestSignedInfo = 8 << 10

func (s signature) signedInfo() ([]byte, signedInfo, error) {
	// The prefixes have to be known before there are bytes to read them from.
	// False ones make other bytes, which no key signed.
	prefixes, err := canonicalization(xmlgate.View(s.info).Child(dsig, "CanonicalizationMethod"))
	if err != nil {
		return nil, signedInfo{}, err
	}
	signed, err := canonical(s.info, nil, prefixes)
	if err != nil {
		return nil, signedInfo{}, fmt.Errorf("canonicalise SignedInfo: %w", err)
	}
	if len(signed) > longestSignedInfo {
		return nil, signedInfo{}, errors.New("SignedInfo too long")
	}
	info, err := again(signed)
	if err != nil {
		return nil, signedInfo{}, err
	}
	if !childrenAre(info.Children("", ""), "CanonicalizationMethod", "SignatureMethod", "Reference") {
		return nil, signedInfo{}, errors.New("SignedInfo of an unexpected shape")
	}
	return signed, signedInfo{info}, nil
}

// again parses canonical bytes. The document they were made from has passed the
// gate within its limits.
func again(raw []byte) (xmlgate.Element, error) {
	const any = math.MaxInt32
	u, err := xmlgate.Parse(raw, xmlgate.Limits{Bytes: any, Elements: any, Depth: any, Attributes: any})
	if err != nil {
		return xmlgate.Element{}, fmt.Errorf("parse what was signed: %w", err)
	}
	return u.Element, nil
}

// canonicalization checks that a method or transform is exclusive
// canonicalisation without comments, and returns its list of prefixes
// (Exclusive XML Canonicalization §4).
func canonicalization(e xmlgate.Element) ([]string, error) {
	if e.Attr("Algorithm") != exclusive {
		return nil, errors.New("canonicalisation not accepted")
	}
	inside := e.Children("", "")
	if len(inside) == 0 {
		return nil, nil
	}
	if len(inside) > 1 || !inside[0].Is(exclusive, "InclusiveNamespaces") {
		return nil, errors.New("canonicalisation with unexpected parameters")
	}
	prefixes := strings.Fields(inside[0].Attr("PrefixList"))
	if len(prefixes) > 16 {
		return nil, errors.New("canonicalisation with too many prefixes")
	}
	for i, prefix := range prefixes {
		if prefix == "#default" {
			prefixes[i] = ""
		}
	}
	return prefixes, nil
}

func (i signedInfo) method(p Policy) (method, error) {
	e := i.Child(dsig, "SignatureMethod")
	if len(e.Children("", "")) > 0 { // HMACOutputLength, PSS parameters
		return method{}, errors.New("signature algorithm with parameters")
	}
	return acceptable(e.Attr("Algorithm"), p)
}

// reference is what was digested, and how.
type reference struct {
	prefixes []string
	hash     crypto.Hash
	value    []byte
}

// reference reads the one reference, which must be to the element of this ID
// with the two transforms of SAML Core §5.4.4.
func (i signedInfo) reference(id string, p Policy) (reference, error) {
	e := i.Child(dsig, "Reference")
	if id == "" || e.Attr("URI") != "#"+id {
		return reference{}, errors.New("reference to something else")
	}
	parts := e.Children("", "")
	if !childrenAre(parts, "Transforms", "DigestMethod", "DigestValue") {
		return reference{}, errors.New("reference of an unexpected shape")
	}
	transforms := parts[0].Children("", "")
	if !childrenAre(transforms, "Transform", "Transform") || transforms[0].Attr("Algorithm") != enveloped ||
		len(transforms[0].Children("", "")) > 0 {
		return reference{}, errors.New("transforms not accepted")
	}
	prefixes, err := canonicalization(transforms[1])
	if err != nil {
		return reference{}, err
	}
	hash, err := acceptableDigest(parts[1].Attr("Algorithm"), p)
	if err != nil {
		return reference{}, err
	}
	value, err := decode(parts[2].Text())
	if err != nil {
		return reference{}, errors.New("digest not in base64")
	}
	return reference{prefixes, hash, value}, nil
}

// covered returns what the signature covers, read from the bytes digested.
func (s signature) covered(u xmlgate.Element, ref reference) (Verified, error) {
	content, err := canonical(u.Tree(), s.tree, ref.prefixes)
	if err != nil {
		return Verified{}, fmt.Errorf("canonicalise: %w", err)
	}
	if !bytes.Equal(sum(ref.hash, content), ref.value) {
		return Verified{}, errors.New("digest does not match")
	}
	signed, err := again(content)
	if err != nil {
		return Verified{}, err
	}
	return Verified{signed}, nil
}
