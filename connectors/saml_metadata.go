package connectors

import (
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/mapping"
)

// maxMetadata bounds a metadata document. A federation's, with a thousand
// entities, has some megabytes.
const maxMetadata = 32 << 20

// watch reads the provider's metadata, or says how it is fetched when needed.
func (c *samlConnector) watch(log *slog.Logger) (*metadata.Watched, error) {
	m := c.settings.Metadata
	signer, err := certificates(m.Signer)
	if err != nil {
		return nil, fmt.Errorf("signer: %w", err)
	}
	source := metadata.Source{
		Role: metadata.IdentityProvider, EntityID: m.EntityID, Signer: signer,
		Refresh: m.Refresh, KeepLastGood: m.KeepLastGood, Now: c.now, Log: log,
	}
	switch {
	case m.Inline != "":
		source.Inline = []byte(m.Inline)
	case m.File != "":
		if source.Inline, err = os.ReadFile(m.File); err != nil {
			return nil, err
		}
	case signer == nil && !private(m.URL):
		return nil, errors.New("url: must be https, or have a signer: anybody on the way could write it")
	default:
		source.Fetch = func(ctx context.Context) ([]byte, error) {
			return c.Get(ctx, "metadata", m.URL, maxMetadata)
		}
	}
	return metadata.Watch(source)
}

// private reports whether nobody can change what comes from an address on its
// way: it is https, or does not leave this machine.
func private(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || err == nil && ip.IsLoopback()
}

// certificates are those of a PEM file; nil without one.
func certificates(file string) ([]*x509.Certificate, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for block, rest := pem.Decode(text); block != nil; block, rest = pem.Decode(rest) {
		certificate, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, err
		}
		all = append(all, certificate)
	}
	if len(all) == 0 {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return all, nil
}

// writtenEndpoints are the addresses to call of metadata that the operator
// wrote.
func (c *samlConnector) writtenEndpoints() []string {
	if c.settings.Metadata.URL != "" {
		return nil
	}
	e, err := c.provider.Get(context.Background()) // no call: it is here
	if err != nil {
		return nil // it has expired, which Start will say
	}
	var all []string
	for _, at := range e.Artifact {
		all = append(all, at.Location)
	}
	return all
}

// published is our metadata as it was last signed. Anybody may ask for it, and
// a signature costs more than asking does.
type published struct {
	mu           sync.Mutex
	body         []byte
	at           time.Time
	certificates []*x509.Certificate // what it was signed with, first, and has
}

// Metadata implements [Publisher]. The document is made anew every five minutes,
// as its validUntil is so long from its making, and when the credentials change.
func (c *samlConnector) Metadata(context.Context) (body []byte, mediaType string, err error) {
	p := &c.published
	p.mu.Lock()
	defer p.mu.Unlock()
	now, have := c.now(), c.certificates()
	if now.Sub(p.at) >= 5*time.Minute || !slices.EqualFunc(p.certificates, have, (*x509.Certificate).Equal) {
		if body, err = c.document(now); err != nil {
			return nil, "", err
		}
		p.body, p.at, p.certificates = body, now, have
	}
	return p.body, "application/samlmetadata+xml", nil
}

// document makes and signs our metadata.
func (c *samlConnector) document(now time.Time) ([]byte, error) {
	credential, err := c.credential()
	if err != nil {
		return nil, err
	}
	e, err := metadata.Build(c.publication(), now, credential)
	if err != nil {
		return nil, fmt.Errorf("metadata: %w", err)
	}
	return xmlgate.Bytes(e), nil
}

// publication is what the provider needs to know of us.
func (c *samlConnector) publication() metadata.Publication {
	request, response := c.settings.Request, c.settings.Response
	p := metadata.Publication{
		Role: metadata.ServiceProvider, ID: c.settings.EntityID, Contact: c.contact,
		Certificates: c.certificates(), Encrypt: response.Encrypted != "refused", Encryption: c.encryption(), Signatures: c.trust(),
		ACS:                  []metadata.Endpoint{{Binding: c.answersBy(), Location: c.acs, Default: true}},
		AuthnRequestsSigned:  enabled(request.Sign),
		WantAssertionsSigned: response.Signed != "response", // SimpleSAMLphp signs none for whoever does not ask
		SLO: []metadata.Endpoint{
			{Binding: binding.Redirect, Location: c.slo},
			{Binding: binding.POST, Location: c.slo},
			{Binding: binding.SOAP, Location: c.soap()},
		},
	}
	if c.council != "" {
		p.Name = map[string]string{"en": c.council}
	}
	if format := nameIDFormat(request.NameIDFormat); format != "" {
		p.NameIDFormats = []string{format}
	} else {
		p.NameIDFormats = []string{message.Persistent, message.Transient, message.Email, message.Unspecified}
	}
	p.Attributes, p.AttributesIndex = requested(request), 1
	if request.AttributeIndex != nil {
		p.AttributesIndex = *request.AttributeIndex
	}
	return p
}

// requested are the attributes that our metadata asks for.
func requested(request config.SAMLRequest) []metadata.RequestedAttribute {
	names := request.Attributes
	if request.EIDAS != nil {
		names = slices.Concat(names, request.EIDAS.Attributes)
	}
	var all []metadata.RequestedAttribute
	for _, name := range names {
		format := mapping.NameFormatBasic
		if strings.Contains(name, ":") {
			format = mapping.NameFormatURI
		}
		all = append(all, metadata.RequestedAttribute{Name: name, NameFormat: format, Required: true})
	}
	return all
}
