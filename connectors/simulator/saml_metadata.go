package simulator

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// scope is the domain that the scoped attributes of the personas end in.
const scope = "council.example"

// publish serves the provider's metadata.
func (p *Provider) publish(w http.ResponseWriter, _ *http.Request) {
	p.serveMetadata(w, p.saml.entityID, 24*time.Hour)
}

func (p *Provider) serveMetadata(w http.ResponseWriter, entityID string, validFor time.Duration) {
	document, err := p.describe(entityID, validFor)
	if err != nil {
		p.broken(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/samlmetadata+xml")
	w.Write(xmlgate.Bytes(document))
}

// describe is the provider's signed metadata.
func (p *Provider) describe(entityID string, validFor time.Duration) (*etree.Element, error) {
	s, request := p.saml, p.terms.saml.Request
	publication := metadata.Publication{
		Role: metadata.IdentityProvider, ID: entityID, ValidFor: validFor, Name: map[string]string{"en": p.name},
		Certificates: p.Certificates(), Scopes: []string{scope},
		NameIDFormats:           []string{message.Persistent, message.Transient, message.Email, message.Unspecified},
		WantAuthnRequestsSigned: request.Sign == nil || *request.Sign,
		SSO: []metadata.Endpoint{
			{Binding: binding.Redirect, Location: s.sso()},
			{Binding: binding.POST, Location: s.sso()},
		},
	}
	if p.endsSessions() {
		publication.SLO = []metadata.Endpoint{
			{Binding: binding.Redirect, Location: s.slo()},
			{Binding: binding.POST, Location: s.slo()},
			{Binding: binding.SOAP, Location: s.soap()},
		}
	}
	entity, err := metadata.Build(publication, p.now(), xmlsig.Credential{})
	if err != nil {
		return nil, err
	}
	addResolver(entity, s.resolver())
	signer := s.keys.current()
	return xmlsig.Sign(entity, signer, algorithm(signer))
}

// endsSessions reports whether the provider has sessions that anybody ends.
func (p *Provider) endsSessions() bool {
	logout := p.terms.saml.Logout
	return logout.Send == nil || *logout.Send || logout.Accept == nil || *logout.Accept
}

// resolverIndex is the number of the artifact resolution service. It is not 0,
// so that a broker which does not look at it is found out.
const resolverIndex = 3

// addResolver adds the artifact resolution service after the keys (Metadata
// §2.4.2), of which the broker's own metadata has none.
func addResolver(entity *etree.Element, location string) {
	descriptor := entity.FindElement("./IDPSSODescriptor")
	e := etree.NewElement("ArtifactResolutionService")
	e.CreateAttr("Binding", binding.SOAP)
	e.CreateAttr("Location", location)
	e.CreateAttr("index", strconv.Itoa(resolverIndex))
	keys := descriptor.SelectElements("KeyDescriptor")
	descriptor.InsertChildAt(keys[len(keys)-1].Index()+1, e)
}

// partner is the service provider, as its metadata describes it.
type partner struct {
	mu     sync.Mutex
	entity *metadata.Entity
}

// serviceProvider reads the service provider's metadata where that has not
// been done, or where it is to be read anew.
func (p *Provider) serviceProvider(ctx context.Context, anew bool) (*metadata.Entity, error) {
	at := &p.saml.partner
	at.mu.Lock()
	defer at.mu.Unlock()
	if at.entity != nil && !anew {
		return at.entity, nil
	}
	document, err := p.metadata(ctx)
	if err != nil {
		return nil, fmt.Errorf("the service provider's metadata: %w", err)
	}
	entity, err := metadata.Parse(document, metadata.ServiceProvider, p.terms.saml.EntityID, nil, p.now())
	if err != nil {
		return nil, fmt.Errorf("the service provider's metadata: %w", err)
	}
	at.entity = entity
	return entity, nil
}

// fetchPartner fetches the service provider's metadata from where its entity
// ID says.
func (p *Provider) fetchPartner(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.terms.saml.EntityID, nil)
	if err != nil {
		return nil, err
	}
	return call(r)
}

// patience is how long the provider waits for the service provider.
const patience = 10 * time.Second

// call calls the service provider.
func call(r *http.Request) ([]byte, error) {
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.ReadAll(io.LimitReader(resp.Body, 1<<20))
}

// broken answers where the provider itself cannot go on.
func (p *Provider) broken(w http.ResponseWriter, err error) {
	p.log.Error("cannot go on", "provider", p.name, "error", err)
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}
