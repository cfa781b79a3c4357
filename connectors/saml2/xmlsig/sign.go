package xmlsig

import (
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Sign returns a copy of the element with an enveloped signature as its second
// child, after Issuer (or the first, where there is none). The element must have
// an ID and declare its namespaces itself.
func Sign(e *etree.Element, c Credential, alg Algorithm) (*etree.Element, error) {
	m, err := signing(alg)
	if err != nil {
		return nil, err
	}
	id := xmlgate.View(e).Attr("ID")
	switch {
	case id == "":
		return nil, errors.New("nothing to sign without an ID")
	case xmlgate.View(e).Child(dsig, "Signature").Exists():
		return nil, errors.New("signed already")
	}
	signed := e.Copy()
	content, err := canonical(signed, nil, nil)
	if err != nil {
		return nil, fmt.Errorf("canonicalise: %w", err)
	}
	signature := envelope(id, m, sum(m.hash, content))
	if err := m.complete(signature, c); err != nil {
		return nil, err
	}
	signed.InsertChildAt(place(signed), signature)
	return signed, nil
}

// place is where the signature goes (SAML Core §2.3.3, §3.2.1, §3.2.2).
func place(e *etree.Element) int {
	first := xmlgate.View(e).Children("", "")
	if len(first) > 0 && first[0].Is(assertion, "Issuer") {
		return first[0].Tree().Index() + 1
	}
	return 0
}

// envelope is a Signature that lacks the signature (SAML Core §5.4).
func envelope(id string, m method, digest []byte) *etree.Element {
	signature := etree.NewElement("ds:Signature")
	signature.CreateAttr("xmlns:ds", dsig)
	info := signature.CreateElement("ds:SignedInfo")
	add(info, "CanonicalizationMethod", exclusive)
	add(info, "SignatureMethod", m.uri)
	reference := info.CreateElement("ds:Reference")
	reference.CreateAttr("URI", "#"+id)
	transforms := reference.CreateElement("ds:Transforms")
	add(transforms, "Transform", enveloped)
	add(transforms, "Transform", exclusive)
	add(reference, "DigestMethod", digestURI(m.hash))
	reference.CreateElement("ds:DigestValue").SetText(base64.StdEncoding.EncodeToString(digest))
	return signature
}

func add(parent *etree.Element, local, algorithm string) {
	parent.CreateElement("ds:"+local).CreateAttr("Algorithm", algorithm)
}

// complete signs SignedInfo and adds SignatureValue and KeyInfo.
func (m method) complete(signature *etree.Element, c Credential) error {
	info, err := canonical(signature.ChildElements()[0], nil, nil)
	if err != nil {
		return err
	}
	value, err := m.sign(c.Signer, info)
	if err != nil {
		return fmt.Errorf("sign: %w", err)
	}
	signature.CreateElement("ds:SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	signature.CreateElement("ds:KeyInfo").CreateElement("ds:X509Data").CreateElement("ds:X509Certificate").
		SetText(base64.StdEncoding.EncodeToString(c.Certificate.Raw))
	return nil
}
