package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
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
	PushedRequest Artefact = "pushed request" // the authorization request that was pushed, and its answer
	Nested        Artefact = "nested token"   // what it says, and its signature
	NestedKeys    Artefact = "nested keys"    // the JWKS or DID document of nested tokens
	Level         Artefact = "level"          // of assurance, and where it is said

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

	// AtMost and AtLeast are what the sign-in is worth at the broker, as far as
	// the connector's cap lets it be; nil for as much as without the fault.
	AtMost, AtLeast *mapping.Assurance

	applies func(terms) bool // nil: to every provider

	// What the fault does; each field changes one thing on its way, nil
	// leaves it alone.
	callback func(p *Provider, query url.Values)              // the answer's query
	person   func(p *Provider, person mapping.Claims)         // who signs in, before the provider's words are found
	said     func(claims mapping.Claims)                      // what the provider says of the person, wherever it says it
	claims   func(p *Provider, claims mapping.Claims)         // the ID token's
	userinfo func(p *Provider, claims mapping.Claims)         // userinfo's
	sign     func(keys *ring, payload []byte) (string, error) // the ID token's signature
	tokens   func(answer map[string]any)                      // the token endpoint's answer, but for the ID token
	age      time.Duration                                    // how old the code is already

	nested     func(p *Provider, claims mapping.Claims)         // a nested token's
	signNested func(keys *ring, payload []byte) (string, error) // and its signature
	disowns    bool                                             // its keys are published as another's

	plain         bool                                             // userinfo is not signed
	userinfoToken func(p *Provider, claims mapping.Claims)         // signed userinfo's, its issuer and audience too
	signUserinfo  func(keys *ring, payload []byte) (string, error) // and its signature

	unsealed  bool                   // tokens are not encrypted
	recipient func(*jose.Recipient)  // they are to somebody else
	content   jose.ContentEncryption // or in another way

	draft   func(p *Provider, d *draft)                         // a SAML response
	parting func(p *Provider, m *parting)                       // a SAML logout message
	answer  func(*Provider, http.ResponseWriter, *http.Request) // what Artefact's address answers in place of its own
}

// Beforehand reports whether the fault strikes where nobody can choose it by
// signing in, mostly before that, so that it has to be imposed with SetFault.
func (f *Fault) Beforehand() bool {
	switch f.Artefact {
	case Discovery, PushedRequest, Metadata, Logout, Everything:
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
	case Discovery, Keys, NestedKeys, PushedRequest, Metadata, Artifact:
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
		callbackFaults(), idTokenFaults(), timeFaults(), signatureFaults(), keyFaults(), sealedFaults(), tokenFaults(), profileFaults(),
		signedProfileFaults(), nestedFaults(), nestedKeyFaults(), pushFaults(), m.faults, outages(),
	}
	if t.saml != nil {
		groups = [][]Fault{
			statusFaults(), relayFaults(), responseFaults(), instantFaults(), subjectFaults(), sealFaults(),
			artifactFaults(), m.faults, partingFaults(), metadataFaults(), outages(),
		}
	}
	var faults []*Fault
	for _, f := range slices.Concat(groups...) {
		if f.applies != nil && !f.applies(t) || slices.Contains(m.lacks, f.ID) {
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
func asksProfile(t terms) bool { return !t.openID || t.userinfo != "never" || len(t.calls) > 0 }

func mergesUserinfo(t terms) bool { return t.openID && t.userinfo != "never" }
func signsUserinfo(t terms) bool  { return t.openID && t.userinfo == "signed" }
func publishesKeys(t terms) bool  { return t.openID && t.algorithm != jose.HS256 }
func seals(t terms) bool          { return t.encryption != nil }
func pushes(t terms) bool         { return t.par }
func bindsTokens(t terms) bool    { return t.dpop }
func nests(t terms) bool          { return len(t.nested) > 0 }

// expiringNested and audientNested: a nested token may do without either.
func expiringNested(t terms) bool {
	return someNested(t, func(n config.Nested) bool { return n.Expires == nil || *n.Expires })
}

func audientNested(t terms) bool {
	return someNested(t, func(n config.Nested) bool { return n.Audience == nil || *n.Audience })
}

func listsDID(t terms) bool { return someNested(t, func(n config.Nested) bool { return n.DID != "" }) }

func ownNestedKeys(t terms) bool {
	return someNested(t, func(n config.Nested) bool { return n.JWKS != t.endpoints.JWKS })
}

func someNested(t terms, like func(config.Nested) bool) bool {
	for _, n := range t.nested {
		if like(n) {
			return true
		}
	}
	return false
}

// namesNoIssuer: the callback has no iss by itself, and one that is added
// can be right.
func namesNoIssuer(t terms) bool { return t.issParameter == "" && t.tenantClaim() == "" }

// tellsCancelFromRefusal: the provider's cancel is more than access_denied.
func tellsCancelFromRefusal(t terms) bool {
	return t.cancel.Get("error") != "access_denied" || t.cancel.Has("error_subcode") || t.cancel.Has("error_reason")
}
