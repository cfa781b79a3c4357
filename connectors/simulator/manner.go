package simulator

import (
	"cmp"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/mapping"
)

// refusal is an error as OAuth 2.0 says it (RFC 6749 §4.1.2.1, §5.2;
// RFC 6750 §3.1). The provider's manner puts it into the provider's words.
type refusal struct {
	status            int
	code, description string
}

func (r *refusal) Error() string { return r.code + ": " + r.description }

// manner is how a provider differs from the standards on the wire.
type manner struct {
	subject      func(seed uint64) string            // in the provider's shape
	scopes       map[string]string                   // claim to the scope it needs; others need none
	prompts      []string                            // values of prompt that are known
	fragment     string                              // that callbacks end in
	userAgent    bool                                // API calls without User-Agent are refused
	formTokens   bool                                // the token endpoint answers with a form unless asked for JSON
	tokenRefusal func(refusal) (int, map[string]any) // of the token endpoint
	apiRefusal   func(refusal) (int, map[string]any) // of the profile and the calls
	encryption   xmlenc.Data                         // of SAML assertions, for whoever publishes a key; "" for none
	expects      map[string]connectors.Outcome       // how faults end where the provider's words lead elsewhere

	insists     insists                        // what it wants of its clients
	assertions  assertions                     // what client assertions have to be like
	lives       lives                          // how long things are good
	byName      string                         // what the names of claims begin with that come only when they are asked for by name
	plain       bool                           // a code challenge without a method is taken for plain
	adds        addition                       // what the provider puts into its answers besides; nil: nothing
	redeems     func(form url.Values) *refusal // what it wants of a token request besides; nil: nothing
	check       func(form url.Values) *refusal // what the provider wants of a request besides; nil: nothing
	demands     func(a authorization) []demand // the levels that a request asks for, ascending; nil: it cannot ask
	short       func(a authorization) *refusal // of somebody who cannot meet them; nil: they sign in for less
	stranded    bool                           // or they are not sent back at all
	unvisited   string                         // the error of prompt=none where nobody is signed in; "" for login_required
	namesIssuer bool                           // in every answer (RFC 9207)
	granted     func(scope string) string      // what is granted of a scope
	noSID       bool                           // logout tokens name the person, never a session
	addressed   bool                           // events are for the address that they are pushed to, not for the client
	people      []Persona                      // who is only at this provider
	faults      []Fault                        // that only this provider has
	lacks       []string                       // ids of the faults that it cannot have
}

// addition puts something more into the answer about somebody.
type addition func(a authorization, someone Persona, answer url.Values)

// assertions are what the provider wants of client assertions.
type assertions struct {
	algorithms []jose.SignatureAlgorithm
	named      bool          // they must have a kid
	lifetime   time.Duration // the longest; 0: any
}

// insists is what the provider wants of every client, however it is configured: ""
// and false leave it to the registration, which is taken to be what the connector
// says.
type insists struct {
	clientAuth   string // config.OIDC.ClientAuth
	audience     string // of client assertions
	pkce         string // config.OIDC.PKCE
	responseMode string
	par, dpop    bool
	dropsNonce   bool     // it never returns the nonce
	hint         bool     // whoever is to be signed out is named by an ID token
	scopes       []string // that there are; others are refused. nil: any
}

// on holds t to what the provider insists on.
func (i insists) on(t terms) terms {
	t.clientAuth = cmp.Or(i.clientAuth, t.clientAuth)
	t.audience = cmp.Or(i.audience, t.audience)
	t.responseMode = cmp.Or(i.responseMode, t.responseMode)
	if i.pkce != "" {
		t.pkce = i.pkce == "required"
	}
	t.par, t.dpop = t.par || i.par, t.dpop || i.dpop
	t.nonce, t.hint = t.nonce && !i.dropsNonce, t.hint || i.hint
	return t
}

// know reports whether there are all of these scopes.
func (i insists) know(scopes []string) bool {
	return i.scopes == nil || !slices.ContainsFunc(scopes, func(scope string) bool { return !slices.Contains(i.scopes, scope) })
}

// lives are how long codes and tokens are good.
type lives struct{ code, access, idToken time.Duration }

// mannerOf returns the manner of a preset; a provider without one keeps to
// the standards.
func mannerOf(preset string) manner {
	m := manner{
		subject:      func(seed uint64) string { return fmt.Sprintf("%016x", seed) },
		scopes:       standardScopes(),
		prompts:      []string{"none", "login", "consent", "select_account"},
		tokenRefusal: standardRefusal,
		apiRefusal:   standardRefusal,
		assertions:   assertions{algorithms: []jose.SignatureAlgorithm{jose.RS256, jose.PS256, jose.ES256}},
		lives:        lives{code: lifetime, access: lifetime, idToken: time.Hour},
		granted:      func(scope string) string { return scope },
	}
	switch preset {
	case "govuk-one-login":
		m.oneLogin()
	case "scotaccount":
		m.scotAccount()
	case "nhs-login":
		m.nhsLogin()
	case "login-gov":
		m.loginGov()
	case "franceconnect":
		m.franceConnect("eidas0", "eidas2", "eidas1")
	case "franceconnect-plus":
		m.franceConnect("eidas1", "eidas3", "eidas2", "eidas3")
	case "singpass":
		m.singpass()
	case "gov-br":
		m.govBr()
	case "google":
		m.subject = func(seed uint64) string { return fmt.Sprintf("1%020d", seed) }
		m.prompts = []string{"none", "consent", "select_account"} // prompt=login is an error at Google
		m.insists.scopes = []string{"openid", "profile", "email"} // of those that a sign-in needs
	case "microsoft":
		m.subject, m.insists.clientAuth = guid, "client_secret_post"
	case "apple", "x", "linkedin", "amazon", "yahoo", "github":
		m.social(preset)
	case "adfs", "entra-saml", "shibboleth", "eidas", "myaccount", "spid", "digid":
		m.saml(preset)
	case "facebook":
		m.subject = func(seed uint64) string { return fmt.Sprintf("1%016d", seed) }
		m.scopes = map[string]string{"email": "email"}
		m.fragment, m.insists.pkce = "#_=_", "forbidden"
		m.tokenRefusal, m.apiRefusal = graphRefusal, graphRefusal
		m.expects = map[string]connectors.Outcome{"code-refused": connectors.TryLater}
	}
	return m
}

func guid(seed uint64) string {
	return fmt.Sprintf("%08x-0000-4000-8000-%012x", seed>>32, seed&0xffff_ffff)
}

// notByNameID are the faults of a NameID that do not matter to a provider whose
// preset knows people by an attribute.
func notByNameID() map[string]connectors.Outcome {
	return map[string]connectors.Outcome{"transient-nameid": "", "no-nameid": ""}
}

// standardScopes are the claims that OpenID Connect Core §5.4 hands out by
// scope.
func standardScopes() map[string]string {
	scopes := map[string]string{}
	for _, scope := range []string{"profile", "email", "address", "phone"} {
		for _, claim := range mapping.ScopeClaims(scope) {
			scopes[claim] = scope
		}
	}
	return scopes
}

func standardRefusal(r refusal) (int, map[string]any) {
	return r.status, map[string]any{"error": r.code, "error_description": r.description}
}

// graphRefusal speaks as Facebook's Graph API, which has one kind of error
// object for everything.
func graphRefusal(r refusal) (int, map[string]any) {
	e := map[string]any{"message": r.description, "type": "OAuthException", "code": 100, "fbtrace_id": "Simulated"}
	switch r.code {
	case "invalid_client":
		e["message"], e["code"] = "Error validating client secret.", 1
	case "invalid_grant":
		e["message"], e["error_subcode"] = "This authorization code has been used.", 36009
	case "invalid_token":
		e["message"], e["code"] = "Invalid OAuth access token.", 190
	case "invalid_proof":
		e["message"], e["type"] = "Invalid appsecret_proof provided in the API argument", "GraphMethodException"
	}
	return http.StatusBadRequest, map[string]any{"error": e}
}

// shows reports whether a claim may be seen by who was granted scope and asked for
// claims by name.
func (m manner) shows(claim, scope string, claims []string) bool {
	if m.byName != "" && strings.HasPrefix(claim, m.byName) {
		return slices.Contains(claims, claim)
	}
	needed, ok := m.scopes[claim]
	return !ok || slices.Contains(strings.Fields(scope), needed)
}
