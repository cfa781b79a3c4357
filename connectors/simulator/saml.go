package simulator

import (
	"fmt"
	"net/url"
	"path"
	"sync/atomic"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// samlProvider is what a SAML identity provider has and remembers.
type samlProvider struct {
	entityID string
	document string // where its metadata is
	base     string // what its other addresses begin with

	manner    samlManner
	rules     *mapping.Rules // of the connector: what its levels mean
	keys      certified
	partner   partner
	questions shelf[question]        // by handle, while the person chooses
	artifacts shelf[artifact]        // by artifact
	sessions  shelf[message.NameID]  // what was issued, by SessionIndex
	ended     shelf[struct{}]        // SessionIndexes
	partings  shelf[struct{}]        // IDs of LogoutRequests of ours
	last      atomic.Pointer[string] // ID of the last assertion that was sound
}

// playSAML makes the provider one of SAML, with addresses beside that of its
// metadata.
func (p *Provider) playSAML() error {
	rules, mistakes := mapping.CompileRules(p.cfg.RuleSource())
	if len(mistakes) > 0 {
		return fmt.Errorf("levels: %v", mistakes)
	}
	m := p.cfg.SAML.Metadata
	s := &samlProvider{
		entityID: m.EntityID, manner: samlMannerOf(p.cfg.Preset), rules: rules,
		keys: certified{alg: p.terms.algorithm, name: p.name},
	}
	if u, err := url.Parse(m.URL); err == nil { // else serveAt will say so
		u.RawQuery = ""
		s.document = u.String()
		u.Path = path.Dir(u.Path)
		s.base = u.JoinPath("/").String()
	}
	p.saml = s
	if p.metadata == nil {
		p.metadata = p.fetchPartner
	}
	return nil
}

// over reports whether the session of an index has been ended, which its
// browser may not know.
func (s *samlProvider) over(index string) bool {
	if s == nil {
		return false
	}
	_, ended := s.ended.get(index)
	return ended
}

func (s *samlProvider) sso() string      { return s.base + "sso" }
func (s *samlProvider) resolver() string { return s.base + "artifact" }
func (s *samlProvider) slo() string      { return s.base + "slo" }
func (s *samlProvider) soap() string     { return s.base + "slo/soap" }

func (p *Provider) samlAddresses() []*address {
	s := p.saml
	all := []*address{
		{name: "metadata", artefact: Metadata, url: s.document, serve: p.publish},
		{name: "sso", artefact: Callback, url: s.sso(), serve: p.sso},
		{name: "start", artefact: Callback, url: s.base + "start", serve: p.startUnasked},
		{name: "artifact", artefact: Artifact, url: s.resolver(), serve: p.resolve},
		{name: "slo", artefact: Logout, url: s.slo(), serve: p.slo},
		{name: "soap", artefact: Logout, url: s.soap(), serve: p.sloBySOAP},
		{name: "sign-out", artefact: Logout, url: s.base + "sign-out", serve: p.signOut},
	}
	if page := p.terms.saml.Logout.Page; page != "" {
		all = append(all, &address{name: "page", artefact: Logout, url: page, serve: p.endOnPage})
	}
	return all
}
