package config

import (
	"bytes"
	"crypto/rsa"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"
)

// What is read of SAML metadata here is what can be wrong with it before
// anybody signs in. The connectors and the identity provider read it in
// earnest, its signature included.

const (
	metadataSpace   = "urn:oasis:names:tc:SAML:2.0:metadata"
	samlProtocol    = "urn:oasis:names:tc:SAML:2.0:protocol"
	bindingPOST     = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST"
	bindingRedirect = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect"
	bindingSOAP     = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP"
	bindingArtifact = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact"
)

// entity is one entity of a document (SAML Metadata §2.3.2).
type entity struct {
	ID         string `xml:"entityID,attr"`
	ValidUntil string `xml:"validUntil,attr"`
	IDP        []role `xml:"urn:oasis:names:tc:SAML:2.0:metadata IDPSSODescriptor"`
	SP         []role `xml:"urn:oasis:names:tc:SAML:2.0:metadata SPSSODescriptor"`
}

// entities is a document of several (SAML Metadata §2.3.1).
type entities struct {
	ValidUntil string     `xml:"validUntil,attr"`
	Entities   []entity   `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntityDescriptor"`
	Groups     []entities `xml:"urn:oasis:names:tc:SAML:2.0:metadata EntitiesDescriptor"`
}

// role is what an entity does (SAML Metadata §2.4).
type role struct {
	Protocols   string     `xml:"protocolSupportEnumeration,attr"`
	ValidUntil  string     `xml:"validUntil,attr"`
	WantsSigned bool       `xml:"WantAuthnRequestsSigned,attr"` // of an identity provider
	Signs       bool       `xml:"AuthnRequestsSigned,attr"`     // of a service provider
	Keys        []keyOf    `xml:"urn:oasis:names:tc:SAML:2.0:metadata KeyDescriptor"`
	SSO         []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleSignOnService"`
	Artifact    []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata ArtifactResolutionService"`
	ACS         []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata AssertionConsumerService"`
	SLO         []endpoint `xml:"urn:oasis:names:tc:SAML:2.0:metadata SingleLogoutService"`
}

type keyOf struct {
	Use          string   `xml:"use,attr"` // "" for both
	Certificates []string `xml:"KeyInfo>X509Data>X509Certificate"`
}

type endpoint struct {
	Binding  string `xml:"Binding,attr"`
	Location string `xml:"Location,attr"`
	Response string `xml:"ResponseLocation,attr"` // "" for Location
	Default  *bool  `xml:"isDefault,attr"`
}

// spoken reports whether the broker speaks the endpoint's binding. Others, such
// as those of SAML 1.1, are passed over.
func (e endpoint) spoken() bool {
	return slices.Contains([]string{bindingRedirect, bindingPOST, bindingSOAP, bindingArtifact}, e.Binding)
}

// readMetadata returns the entities of a document.
func readMetadata(text []byte) ([]entity, error) {
	d := xml.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return nil, errors.New("it is empty")
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.Directive:
			return nil, errors.New("it has a DOCTYPE, which is not read")
		case xml.StartElement:
			return entitiesBelow(d, token)
		}
	}
}

func entitiesBelow(d *xml.Decoder, root xml.StartElement) ([]entity, error) {
	switch root.Name {
	case xml.Name{Space: metadataSpace, Local: "EntityDescriptor"}:
		var one entity
		err := d.DecodeElement(&one, &root)
		return []entity{one}, err
	case xml.Name{Space: metadataSpace, Local: "EntitiesDescriptor"}:
		var several entities
		err := d.DecodeElement(&several, &root)
		return several.all(), err
	}
	return nil, fmt.Errorf("its root is the element %s", root.Name.Local)
}

// all returns the entities of a group, which end with the group.
func (g entities) all() []entity {
	all := slices.Clone(g.Entities)
	for _, inner := range g.Groups {
		all = append(all, inner.all()...)
	}
	for i := range all {
		all[i].ValidUntil = earlier(all[i].ValidUntil, g.ValidUntil)
	}
	return all
}

// earlier returns the earlier of two times, of which either may be left out.
func earlier(a, b string) string {
	first, err := instant(a)
	second, also := instant(b)
	if a == "" || b != "" && err == nil && also == nil && second.Before(first) {
		return b
	}
	return a
}

// instant reads a time. SAML Core §1.3.3 has it in UTC.
func instant(s string) (time.Time, error) {
	if t, err := time.Parse(time.RFC3339Nano, s); err == nil {
		return t, nil
	}
	return time.Parse("2006-01-02T15:04:05.999999999", s)
}

// speaks picks the role that speaks SAML 2.0.
func speaks(roles []role) (role, bool) {
	i := slices.IndexFunc(roles, func(r role) bool { return slices.Contains(strings.Fields(r.Protocols), samlProtocol) })
	if i < 0 {
		return role{}, false
	}
	return roles[i], true
}

// party is who SAML is spoken with, as far as that is known when the folder is
// loaded: what metadata that is fetched later says is not.
type party struct {
	id                  string
	wantsSigned, signs  bool
	signing, encryption []*x509.Certificate
	sso, artifact       []endpoint
	acs, slo            []endpoint
}

// defaultACS is the address that takes responses where a request names none
// (SAML Metadata §2.2.3); "" where it is not known.
func (p *party) defaultACS() string {
	if p == nil {
		return ""
	}
	best, rank := "", 0
	for _, e := range p.acs {
		of := 2 // undecided, which goes before false
		if e.Default != nil {
			of = map[bool]int{true: 3, false: 1}[*e.Default]
		}
		if e.Binding == bindingPOST && of > rank {
			best, rank = e.Location, of
		}
	}
	return best
}

// location returns the address of a binding, or "".
func location(endpoints []endpoint, binding string) string {
	for _, e := range endpoints {
		if e.Binding == binding {
			return e.Location
		}
	}
	return ""
}

// certificates reads the keys that are for a use, or for every use.
func certificates(keys []keyOf, use string) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for _, key := range keys {
		if key.Use != "" && key.Use != use {
			continue
		}
		for _, text := range key.Certificates {
			der, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				return nil, err
			}
			c, err := x509.ParseCertificate(der)
			if err != nil {
				return nil, err
			}
			all = append(all, c)
		}
	}
	return all, nil
}

// certificatesOf reads a PEM file's certificates.
func certificatesOf(text []byte) ([]*x509.Certificate, error) {
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, text = pem.Decode(text); block == nil {
			break
		}
		if block.Type != "CERTIFICATE" {
			continue
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New("it holds none in PEM")
	}
	return all, nil
}

// weak reports whether a certificate's key can be broken.
func weak(c *x509.Certificate) bool {
	key, ok := c.PublicKey.(*rsa.PublicKey)
	return ok && key.N.BitLen() < 2048
}
