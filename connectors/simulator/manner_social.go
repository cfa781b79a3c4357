package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// social is the manner of a preset of a social provider.
func (m *manner) social(preset string) {
	switch preset {
	case "apple":
		m.apple()
	case "x":
		m.x()
	case "linkedin":
		m.subject = func(seed uint64) string { return base64.RawURLEncoding.EncodeToString(digest(seed))[:10] }
		m.prompts = nil
		m.redeems = refuseVerifier
		m.insists = insists{clientAuth: "client_secret_post", dropsNonce: true, scopes: []string{"openid", "profile", "email"}}
	case "amazon":
		m.amazon()
	case "github":
		m.github()
	case "yahoo":
		m.subject = func(seed uint64) string { return base32.StdEncoding.EncodeToString(digest(seed))[:26] }
		m.insists = insists{clientAuth: "client_secret_basic", scopes: []string{"openid", "profile", "email"}}
	}
}

// digest is what subjects are cut from that look like chance.
func digest(seed uint64) []byte {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	return sum[:]
}

// apple is the manner of Sign in with Apple.
func (m *manner) apple() {
	m.subject = func(seed uint64) string {
		return fmt.Sprintf("%06d.%032x.%04d", seed%1_000_000, digest(seed)[:16], seed%10_000)
	}
	m.scopes = map[string]string{"email": "email", "email_verified": "email", "is_private_email": "email"}
	m.prompts = nil
	m.insists = insists{clientAuth: "signed_secret", responseMode: "form_post", scopes: []string{"openid", "name", "email"}}
	m.adds = introduceOnce()
	m.people = []Persona{hidesEmail()}
}

// introduceOnce says what somebody is called when they sign in for the first
// time, in a field that nobody signs, and never again.
func introduceOnce() addition {
	var met sync.Map // by subject
	return func(a authorization, someone Persona, answer url.Values) {
		person := someone.Person
		_, before := met.LoadOrStore(person.Text("sub"), true)
		if before || !slices.Contains(strings.Fields(a.scope), "name") {
			return
		}
		user, err := json.Marshal(map[string]any{
			"name":  map[string]any{"firstName": person["given_name"], "lastName": person["family_name"]},
			"email": person["email"],
		})
		if err == nil { // texts
			answer.Set("user", string(user))
		}
	}
}

func hidesEmail() Persona {
	return Persona{
		ID: "hides-email", Title: "Nia Hidden", Description: "Hide My Email: an address that Apple passes mail on from", Reaches: unproved(),
		Person: mapping.Claims{
			"name": "Nia Hidden", "given_name": "Nia", "family_name": "Hidden",
			"email": "x7k2m9qzpt@privaterelay.appleid.com", "email_verified": true, "locale": "en-GB",
		},
	}
}

// isSignedSecret reports whether a client secret is a token that the team has
// signed for this client, and does not live for more than six months.
func (p *Provider) isSignedSecret(secret string) bool {
	settings := p.cfg.OIDC
	key, err := settings.SigningKey()
	if err != nil {
		return false
	}
	token, err := jwt.ParseSigned(secret, []jose.SignatureAlgorithm{jose.ES256})
	if err != nil {
		return false
	}
	var claims jwt.Claims
	if err := token.Claims(key.Public(), &claims); err != nil {
		return false
	}
	expected := jwt.Expected{Issuer: settings.Team, Subject: p.cfg.ClientID, AnyAudience: jwt.Audience{p.terms.issuer}, Time: p.now()}
	switch {
	case claims.ValidateWithLeeway(expected, 30*time.Second) != nil:
		return false
	case claims.Expiry == nil || claims.Expiry.Time().After(p.now().AddDate(0, 6, 0)):
		return false
	}
	return settings.KeyID != "" && token.Headers[0].KeyID == settings.KeyID
}

// x is the manner of X.
func (m *manner) x() {
	m.subject = func(seed uint64) string { return fmt.Sprintf("1%018d", seed) }
	m.scopes = map[string]string{"confirmed_email": "users.email"}
	m.prompts = nil
	m.lives.code = 30 * time.Second
	m.insists = insists{clientAuth: "client_secret_basic", pkce: "required"}
	m.check = func(form url.Values) *refusal {
		for _, scope := range []string{"users.read", "tweet.read"} {
			if !slices.Contains(strings.Fields(form.Get("scope")), scope) {
				return &refusal{code: "invalid_scope", description: scope + " is missing: users/me needs both"}
			}
		}
		return nil
	}
	m.tokenRefusal, m.apiRefusal = xTokenRefusal, xRefusal
	m.expects = map[string]connectors.Outcome{"code-refused": connectors.TryLater}
	m.faults = []Fault{{
		ID: "no-email-permission", Title: "The app may not ask for e-mail addresses", Artefact: Profile, said: without("confirmed_email"),
	}}
}

// xTokenRefusal has one code for whatever is wrong with a code.
func xTokenRefusal(r refusal) (int, map[string]any) {
	switch r.code {
	case "invalid_grant":
		r.status, r.code, r.description = http.StatusBadRequest, "invalid_request", "Value passed for the authorization code was invalid."
	case "invalid_client":
		r.code, r.description = "unauthorized_client", "Missing valid authorization header"
	}
	return standardRefusal(r)
}

// xRefusal is a problem of RFC 9457, which X calls itself without a type.
func xRefusal(r refusal) (int, map[string]any) {
	title := http.StatusText(r.status)
	return r.status, map[string]any{"title": title, "type": "about:blank", "status": r.status, "detail": title}
}

// refuseVerifier is LinkedIn's, which takes a code_verifier for a client that it
// does not know.
func refuseVerifier(form url.Values) *refusal {
	if !form.Has("code_verifier") {
		return nil
	}
	return &refusal{http.StatusUnauthorized, "invalid_client", "Client authentication failed"}
}

// amazon is the manner of Login with Amazon.
func (m *manner) amazon() {
	m.subject = func(seed uint64) string {
		return "amzn1.account." + base32.StdEncoding.EncodeToString(digest(seed))[:28]
	}
	m.scopes = map[string]string{"name": "profile", "email": "profile"}
	m.insists.scopes = []string{"profile", "profile:user_id", "postal_code"}
	m.plain = true
	m.faults = []Fault{{
		ID: "token-of-another", Title: "The access token was issued to another app", Artefact: Profile, Expect: connectors.Refused,
		person: func(_ *Provider, person mapping.Claims) {
			person["issued_to"] = "amzn1.application-oa2-client.another"
		},
	}}
}

// github is the manner of GitHub.
func (m *manner) github() {
	m.subject = func(seed uint64) string { return fmt.Sprint(seed) }
	m.scopes = nil
	m.userAgent, m.formTokens = true, true
	m.tokenRefusal, m.apiRefusal = githubTokenRefusal, githubRefusal
	m.expects = map[string]connectors.Outcome{"code-refused": connectors.TryLater}
	m.faults = []Fault{{
		ID: "scope-not-granted", Title: "The person does not grant the e-mail addresses", Artefact: Profile,
		person: func(_ *Provider, person mapping.Claims) { person["ungranted"] = true },
		tokens: func(answer map[string]any) { answer["scope"] = "" },
	}}
}

// githubTokenRefusal has status 200, as GitHub's token endpoint always has.
func githubTokenRefusal(r refusal) (int, map[string]any) {
	own := map[string]string{"invalid_grant": "bad_verification_code", "invalid_client": "incorrect_client_credentials"}
	return http.StatusOK, map[string]any{
		"error": cmp.Or(own[r.code], r.code), "error_description": r.description,
		"error_uri": "https://docs.github.com/apps/troubleshooting",
	}
}

func githubRefusal(r refusal) (int, map[string]any) {
	message := r.description
	if r.code == "invalid_token" {
		message = "Bad credentials"
	}
	return r.status, map[string]any{"message": message, "documentation_url": "https://docs.github.com/rest"}
}

// plainly makes an authorization whose code challenge is plain one by S256, which
// the verifier fulfils just as well.
func (p *Provider) plainly(a authorization) authorization {
	if p.manner.plain && a.challenge != "" && a.asked["code_challenge_method"] == "" {
		a.challenge = s256(a.challenge)
	}
	return a
}

// fieldsOf are the parameters of an answer as fields of a form.
func fieldsOf(query url.Values) map[string]string {
	fields := make(map[string]string, len(query))
	for name := range query {
		fields[name] = query.Get(name)
	}
	return fields
}
