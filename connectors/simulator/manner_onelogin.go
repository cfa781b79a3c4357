package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// vocabulary is what the names of GOV.UK One Login's own claims begin with.
const vocabulary = "https://vocab.account.gov.uk/v1/"

// oneLogin is GOV.UK One Login's manner.
func (m *manner) oneLogin() {
	m.subject = func(seed uint64) string {
		sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
		return "urn:fdc:gov.uk:2022:" + base64.RawURLEncoding.EncodeToString(sum[:])
	}
	m.scopes = map[string]string{"email": "email", "email_verified": "email", "phone_number": "phone", "phone_number_verified": "phone"}
	m.byName = vocabulary
	m.prompts = []string{"none"}
	m.userAgent, m.noSID = true, true
	m.tokenRefusal = func(r refusal) (int, map[string]any) {
		_, body := standardRefusal(r)
		return http.StatusBadRequest, body // also for invalid_client
	}
	m.insists = insists{clientAuth: "private_key_jwt", hint: true, scopes: []string{"openid", "email", "phone"}}
	m.assertions.algorithms = rsaAlgorithms() // keys on curves are refused
	m.lives = lives{code: lifetime, access: 3 * time.Minute, idToken: 2 * time.Minute}
	m.check, m.demands, m.short = checkOneLogin, oneLoginDemands, oneLoginShort
	m.people, m.faults, m.lacks = oneLoginPeople(), oneLoginFaults(), []string{"cancel"} // who gives up never comes back
}

func rsaAlgorithms() []jose.SignatureAlgorithm {
	return []jose.SignatureAlgorithm{jose.RS256, jose.RS384, jose.RS512, jose.PS256, jose.PS384, jose.PS512}
}

func checkOneLogin(form url.Values) *refusal {
	switch {
	case len(form.Encode()) > 4096:
		return invalid("the request is longer than 4096 characters")
	case !validVectors(form.Get("vtr")):
		return invalid("Request vtr not valid")
	case form.Get("claims") != "" && !json.Valid([]byte(form.Get("claims"))):
		return invalid("Invalid JSON in claims")
	case strings.Contains(form.Get("claims"), "id_token"):
		return invalid("claims are returned by userinfo alone")
	}
	return nil
}

// validVectors: identity rides on two factors, and vectors with and without it do
// not mix.
func validVectors(vtr string) bool {
	vectors, err := vectorsOf(vtr)
	identities := 0
	for _, vector := range vectors {
		if credentialIn(vector) == "" || credentialIn(vector) == "Cm" {
			return false
		}
		if identityIn(vector) > mapping.P0 {
			if credentialIn(vector) != "Cl.Cm" {
				return false
			}
			identities++
		}
	}
	return err == nil && len(vectors) > 0 && (identities == 0 || identities == len(vectors))
}

// vectorsOf reads vtr (RFC 8485 §4.1). Without it the request is for a sign-in
// with two factors.
func vectorsOf(vtr string) (vectors []string, err error) {
	if vtr == "" {
		return []string{"Cl.Cm"}, nil
	}
	err = json.Unmarshal([]byte(vtr), &vectors)
	return vectors, err
}

// identityIn is the component P of a vector, in whatever place.
func identityIn(vector string) mapping.Identity {
	for component := range strings.SplitSeq(vector, ".") {
		if a, err := mapping.ParseAssurance(component); err == nil && component[0] == 'P' {
			return a.Identity
		}
	}
	return mapping.P0
}

// credentialIn are the components C of a vector in one order. Others are
// ignored.
func credentialIn(vector string) string {
	var credentials []string
	for component := range strings.SplitSeq(vector, ".") {
		if component == "Cl" || component == "Cm" {
			credentials = append(credentials, component)
		}
	}
	slices.Sort(credentials)
	return strings.Join(credentials, ".")
}

func oneLoginDemands(a authorization) []demand {
	vectors, err := vectorsOf(a.asked["vtr"])
	if err != nil {
		return nil
	}
	var demands []demand
	for _, vector := range vectors {
		level := mapping.Assurance{Identity: identityIn(vector), Authenticator: mapping.Cl}
		if credentialIn(vector) == "Cl.Cm" {
			level.Authenticator = mapping.Cm
		}
		demands = append(demands, demand{credentialIn(vector), level})
	}
	slices.SortFunc(demands, func(a, b demand) int { return a.level.Compare(b.level) })
	return demands
}

// oneLoginShort: who asked for return codes learns of a failure from them, and
// gets an answer like any other.
func oneLoginShort(a authorization) *refusal {
	if slices.Contains(a.claims, vocabulary+"returnCode") {
		return nil
	}
	return &refusal{code: "access_denied", description: "the level of confidence was not reached"}
}

func oneLoginPeople() []Persona {
	return []Persona{
		{
			ID: "low-confidence", Title: "Bryn Howell", Description: "Reaches low confidence (P1) and no more",
			Person: mapping.Claims{
				"name": "Bryn Howell", "given_name": "Bryn", "family_name": "Howell", "birthdate": "1966-02-14",
				"email": "bryn.howell@example.org", "email_verified": true, "residences": []any{home("EX4 3MQ", "10023333001")},
			},
			Reaches: mapping.Assurance{Identity: mapping.P1, Authenticator: mapping.Cm},
		},
		{
			ID: "return-code", Title: "Nadia Rahman", Description: "Proved, and the answer has a return code all the same",
			Person: mapping.Claims{
				"name": "Nadia Rahman", "given_name": "Nadia", "family_name": "Rahman", "birthdate": "1991-07-30",
				"email": "nadia.rahman@example.org", "email_verified": true, "return_codes": []any{"A"},
				"residences": []any{home("EX4 3MR", "10023333002")},
			},
			Reaches: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm},
		},
		{
			ID: "in-person", Title: "Frank Osei", Description: "Proves who he is at a Post Office, and comes back days later", Elsewhere: true,
			Person: mapping.Claims{
				"name": "Frank Osei", "given_name": "Frank", "family_name": "Osei", "birthdate": "1951-04-02",
				"email": "frank.osei@example.org", "email_verified": true, "residences": []any{home("EX4 3MS", "10023333003")},
			},
			Reaches: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm},
		},
		{
			ID: "returned", Title: "Alice Morgan, again", Description: "Deleted her account and made another: the same person with a new subject",
			Person: fullRecord().Person, Reaches: fullRecord().Reaches,
		},
	}
}

// oneLoginFaults have the names of the switches of GOV.UK One Login's simulator
// where it has them.
func oneLoginFaults() []Fault {
	return []Fault{
		{
			ID: "access-denied", Title: "The session is lost, or the level was not reached", Artefact: Callback, Expect: connectors.Unmet,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "access_denied") },
		},
		{
			ID: "client-deactivated", Title: "The client is switched off", Artefact: Callback, Expect: connectors.Misconfigured,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "unauthorized_client") },
		},
		{
			ID: "incorrect-vot", Title: "The ID token says of a password alone", Artefact: Level, AtMost: authenticatorAtMost(mapping.Cl),
			claims: saying("vot", "Cl"),
		},
		{
			ID: "no-vot", Title: "The ID token does not say how well the sign-in was protected", Artefact: Level, AtMost: authenticatorAtMost(mapping.C0),
			claims: silent("vot"),
		},
		{
			ID: "level-in-id-token", Title: "The level of identity is in the ID token, where it does not belong", Artefact: Level, AtMost: authenticatorAtMost(mapping.C0),
			claims: saying("vot", "Cl.Cm.P2"),
		},
		{
			ID: "level-lower", Title: "A lower level of identity than was asked for", Artefact: Level, AtMost: identityAtMost(mapping.P1),
			nested: saying("vot", "P1"),
		},
		{
			ID: "level-higher", Title: "A higher level of identity than was asked for", Artefact: Level, AtLeast: identityAtLeast(mapping.P3),
			nested: saying("vot", "P3"),
		},
		{
			ID: "level-missing", Title: "No level of identity", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: silent("vot"),
		},
		{
			ID: "level-unknown", Title: "A level of identity that nobody knows", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: saying("vot", "P2+"),
		},
		{
			ID: "level-unsigned", Title: "The level of identity is in userinfo, which is not signed", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			userinfo: func(_ *Provider, c mapping.Claims) {
				delete(c, vocabulary+"coreIdentityJWT")
				c["vot"], c["core"] = "P2", map[string]any{"vot": "P2"}
			},
		},
		{
			ID: "no-core-identity", Title: "Several return codes, and no core identity", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			userinfo: func(_ *Provider, c mapping.Claims) {
				delete(c, vocabulary+"coreIdentityJWT")
				c[vocabulary+"returnCode"] = []any{map[string]any{"code": "C"}, map[string]any{"code": "T"}}
			},
		},
	}
}
