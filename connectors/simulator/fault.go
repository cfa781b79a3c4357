package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Artefact is the part of a sign-in that a fault is in.
type Artefact string

const (
	Callback      Artefact = "callback"       // the redirect back to the client
	IDToken       Artefact = "ID token"       // its claims
	Signature     Artefact = "signature"      // of the ID token
	Keys          Artefact = "keys"           // the published JWKS
	TokenEndpoint Artefact = "token endpoint" // its answer
	Profile       Artefact = "profile"        // userinfo, or the profile API and its calls
	Discovery     Artefact = "discovery"      // the discovery document
	Everything    Artefact = "provider"       // every address at once

	Response Artefact = "response" // of SAML, and the assertion in it
	Artifact Artefact = "artifact" // its resolution
	Logout   Artefact = "logout"   // messages of single logout
	Metadata Artefact = "metadata" // of the SAML provider
)

// Fault is one way for a provider to go wrong, or to be unlike the others.
// The ids are the switches of GOV.UK One Login's simulator where it has one.
type Fault struct {
	ID       string
	Title    string
	Artefact Artefact

	// Expect is how the sign-in must end at the broker; "" is a success.
	// Where state was lost it stands for a page of the broker's own.
	Expect connectors.Outcome

	applies func(terms) bool // nil: to every provider

	// What the fault does; each field changes one thing on its way, nil
	// leaves it alone.
	callback func(p *Provider, query url.Values)                 // the answer's query
	person   func(p *Provider, person mapping.Claims)            // who signs in, before the provider's words are found
	said     func(claims mapping.Claims)                         // what the provider says of the person, wherever it says it
	claims   func(p *Provider, claims mapping.Claims)            // the ID token's
	userinfo func(p *Provider, claims mapping.Claims)            // userinfo's
	sign     func(p *Provider, payload []byte) (string, error)   // the ID token's signature
	draft    func(p *Provider, d *draft)                         // a SAML response
	parting  func(p *Provider, m *parting)                       // a SAML logout message
	answer   func(*Provider, http.ResponseWriter, *http.Request) // what Artefact's address answers in place of its own
}

// Beforehand reports whether the fault strikes where nobody can choose it by
// signing in, mostly before that, so that it has to be imposed with SetFault.
func (f *Fault) Beforehand() bool {
	switch f.Artefact {
	case Discovery, Metadata, Logout, Everything:
		return true
	}
	return false
}

// strikesAt reports whether the imposed fault f answers at an address before
// anything is known of who calls.
func (f *Fault) strikesAt(a Artefact) bool {
	switch f.Artefact {
	case Everything:
		return true
	case Discovery, Keys, Metadata, Artifact:
		return f.Artefact == a && f.answer != nil
	}
	return false
}

// breaks reports whether f answers in place of the address of a.
func (f *Fault) breaks(a Artefact) bool { return f.Artefact == a && f.answer != nil }

func (f *Fault) expectation() string {
	if f.Expect == "" {
		return "Signs in all the same"
	}
	return "Ends: " + strings.ReplaceAll(string(f.Expect), "_", " ")
}

func find(faults []*Fault, id string) *Fault {
	for _, f := range faults {
		if f.ID == id {
			return f
		}
	}
	return nil
}

// faultsOf are the faults that a provider of these terms and manner can have.
func faultsOf(t terms, m manner) []*Fault {
	groups := [][]Fault{
		callbackFaults(), idTokenFaults(), timeFaults(), signatureFaults(), keyFaults(), tokenFaults(), profileFaults(), outages(),
	}
	if t.saml != nil {
		groups = [][]Fault{
			statusFaults(), relayFaults(), responseFaults(), instantFaults(), subjectFaults(), sealFaults(),
			artifactFaults(), partingFaults(), metadataFaults(), outages(),
		}
	}
	var faults []*Fault
	for _, f := range slices.Concat(groups...) {
		if f.applies != nil && !f.applies(t) {
			continue
		}
		if expected, otherwise := m.expects[f.ID]; otherwise {
			f.Expect = expected
		}
		faults = append(faults, &f)
	}
	return faults
}

func openID(t terms) bool      { return t.openID }
func hasAlias(t terms) bool    { return t.openID && len(t.aliases) > 0 }
func hasTenants(t terms) bool  { return t.openID && t.tenantClaim() != "" }
func hasNonce(t terms) bool    { return t.openID && t.nonce }
func hasProof(t terms) bool    { return !t.openID && t.profile.Proof != "" }
func asksProfile(t terms) bool { return !t.openID || t.userinfo == "merge" }

func mergesUserinfo(t terms) bool { return t.openID && t.userinfo == "merge" }

// namesNoIssuer: the callback has no iss by itself, and one that is added
// can be right.
func namesNoIssuer(t terms) bool { return t.issParameter == "" && t.tenantClaim() == "" }

// tellsCancelFromRefusal: the provider's cancel is more than access_denied.
func tellsCancelFromRefusal(t terms) bool {
	return t.cancel.Get("error") != "access_denied" || t.cancel.Has("error_subcode") || t.cancel.Has("error_reason")
}
