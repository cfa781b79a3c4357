package simulator

import (
	"cmp"
	"crypto/rand"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

func callbackFaults() []Fault {
	return []Fault{
		{
			ID: "cancel", Title: "Cancel", Artefact: Callback, Expect: connectors.Cancelled,
			callback: func(p *Provider, q url.Values) { q.Del("code"); maps.Copy(q, p.terms.cancel) },
		},
		{
			ID: "access-denied", Title: "The person refuses to share", Artefact: Callback, Expect: connectors.Declined, applies: tellsCancelFromRefusal,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "access_denied") },
		},
		{
			ID: "temporarily-unavailable", Title: "The provider asks to come back later", Artefact: Callback, Expect: connectors.TryLater,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "temporarily_unavailable") },
		},
		{
			ID: "server-error", Title: "The provider has an error of its own", Artefact: Callback, Expect: connectors.Unavailable,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "server_error") },
		},
		{
			ID: "state-lost", Title: "The answer has no state", Artefact: Callback, Expect: connectors.Refused,
			callback: func(_ *Provider, q url.Values) { q.Del("state") },
		},
		{
			ID: "state-of-another", Title: "The answer has another state", Artefact: Callback, Expect: connectors.Refused,
			callback: func(_ *Provider, q url.Values) { q.Set("state", rand.Text()) },
		},
		{
			ID: "iss-added", Title: "The answer names its issuer, unannounced", Artefact: Callback, applies: namesNoIssuer,
			callback: func(p *Provider, q url.Values) { q.Set("iss", cmp.Or(p.terms.issParameter, p.terms.issuer)) },
		},
		{
			ID: "iss-wrong", Title: "The answer names another issuer", Artefact: Callback, Expect: connectors.Refused,
			callback: func(_ *Provider, q url.Values) { q.Set("iss", elsewhere) },
		},
	}
}

// elsewhere is an issuer that is nobody's.
const elsewhere = "https://issuer.invalid"

func idTokenFaults() []Fault {
	return []Fault{
		{
			ID: "nonce-not-matching", Title: "Wrong nonce", Artefact: IDToken, Expect: connectors.Refused, applies: hasNonce,
			claims: func(_ *Provider, c mapping.Claims) { c["nonce"] = rand.Text() },
		},
		{
			ID: "no-nonce", Title: "No nonce", Artefact: IDToken, Expect: connectors.Refused, applies: hasNonce,
			claims: silent("nonce"),
		},
		{
			ID: "invalid-iss", Title: "Wrong issuer", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: saying("iss", elsewhere),
		},
		{
			ID: "slashed-iss", Title: "Issuer with or without its last slash", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: func(_ *Provider, c mapping.Claims) { c["iss"] = slashed(c.Text("iss")) },
		},
		{
			ID: "alias-iss", Title: "The other spelling of the issuer", Artefact: IDToken, applies: hasAlias,
			claims: func(p *Provider, c mapping.Claims) { c["iss"] = p.terms.aliases[0] },
		},
		{
			ID: "template-iss", Title: "The issuer's template is left as it is", Artefact: IDToken, Expect: connectors.Refused, applies: hasTenants,
			claims: func(p *Provider, c mapping.Claims) { c["iss"] = p.announcedIssuer() },
		},
		{
			ID: "foreign-tenant", Title: "Somebody of another organisation", Artefact: IDToken, Expect: connectors.NotAllowed, applies: hasTenants,
			person: func(p *Provider, c mapping.Claims) { c[p.terms.tenantClaim()] = "ffffffff-0000-4000-8000-000000000000" },
		},
		{
			ID: "invalid-aud", Title: "Wrong audience", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: saying("aud", "another-client"),
		},
		{
			ID: "two-audiences", Title: "Two audiences and no azp", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: func(p *Provider, c mapping.Claims) { c["aud"] = []string{p.cfg.ClientID, "another-client"} },
		},
		{
			ID: "wrong-at-hash", Title: "Wrong at_hash", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: func(p *Provider, c mapping.Claims) { c["at_hash"] = p.leftHalf(rand.Text()) },
		},
	}
}

func timeFaults() []Fault {
	return []Fault{
		{
			ID: "token-expired", Title: "Expired five minutes ago", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: dated("exp", -5*time.Minute),
		},
		{
			ID: "no-exp", Title: "Never expires", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: silent("exp"),
		},
		{
			ID: "token-not-valid-yet", Title: "Not valid for another ten minutes", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: dated("nbf", 10*time.Minute),
		},
		{
			ID: "future-iat", Title: "Issued ten minutes from now", Artefact: IDToken, Expect: connectors.Refused, applies: openID,
			claims: dated("iat", 10*time.Minute),
		},
	}
}

func signatureFaults() []Fault {
	return []Fault{
		{
			ID: "alg-none", Title: "Not signed: alg is none", Artefact: Signature, Expect: connectors.Refused, applies: openID,
			sign: (*ring).unsigned,
		},
		{
			ID: "alg-hmac", Title: "HMAC with the public key for its secret", Artefact: Signature, Expect: connectors.Refused, applies: publishesKeys,
			sign: (*ring).signByHMAC,
		},
		{
			ID: "invalid-alg-header", Title: "The header names another algorithm", Artefact: Signature, Expect: connectors.Refused, applies: publishesKeys,
			sign: (*ring).misnamed,
		},
		{
			ID: "invalid-signature", Title: "Bad signature", Artefact: Signature, Expect: connectors.Refused, applies: openID,
			sign: (*ring).signBadly,
		},
		{
			ID: "unknown-kid", Title: "Signed with a key that is not published", Artefact: Signature, Expect: connectors.Refused, applies: openID,
			sign: (*ring).signAstray,
		},
	}
}

func keyFaults() []Fault {
	return []Fault{
		{
			ID: "rotate-keys", Title: "A new key is published and used at once", Artefact: Keys, applies: publishesKeys,
			sign: (*ring).rotated,
		},
		{
			ID: "two-keys-one-kid", Title: "Two keys are published under one kid", Artefact: Keys, applies: publishesKeys,
			sign: (*ring).twinned,
		},
		{
			// Nobody fetches keys while the ones they have will do: the token
			// needs one that they have not.
			ID: "jwks-500", Title: "A new key is used and none can be fetched", Artefact: Keys, Expect: connectors.Unavailable, applies: publishesKeys,
			sign:   (*ring).signAstray,
			answer: status(http.StatusInternalServerError),
		},
	}
}

func tokenFaults() []Fault {
	return []Fault{
		{
			ID: "code-refused", Title: "The code is refused", Artefact: TokenEndpoint, Expect: connectors.Refused,
			answer: refuseToken(http.StatusBadRequest, "invalid_grant"),
		},
		{
			ID: "client-refused", Title: "The client is refused", Artefact: TokenEndpoint, Expect: connectors.Misconfigured,
			answer: refuseToken(http.StatusUnauthorized, "invalid_client"),
		},
		{
			ID: "token-500", Title: "The token endpoint has an error 500", Artefact: TokenEndpoint, Expect: connectors.Unavailable,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "token-html", Title: "A web page in place of JSON", Artefact: TokenEndpoint, Expect: connectors.Unavailable, answer: webPage,
		},
		{
			ID: "token-huge", Title: "An answer of 50 MB", Artefact: TokenEndpoint, Expect: connectors.Unavailable, answer: huge,
		},
		{
			ID: "token-slow", Title: "An answer that takes very long", Artefact: TokenEndpoint, Expect: connectors.Unavailable, answer: slow,
		},
		{
			ID: "token-reset", Title: "The connection breaks once the code is spent", Artefact: TokenEndpoint, Expect: connectors.Unavailable,
			answer: func(*Provider, http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) },
		},
	}
}

func profileFaults() []Fault {
	return []Fault{
		{
			ID: "incorrect-sub", Title: "Userinfo tells of somebody else", Artefact: Profile, Expect: connectors.Refused, applies: mergesUserinfo,
			userinfo: ofSomebodyElse,
		},
		{
			ID: "text-booleans", Title: "Booleans are written as text", Artefact: Profile, applies: openID, said: booleansAsText,
		},
		{
			ID: "profile-500", Title: "The profile cannot be had: error 500", Artefact: Profile, Expect: connectors.Unavailable, applies: asksProfile,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "proof-refused", Title: "The proof of the app secret is refused", Artefact: Profile, Expect: connectors.Unavailable, applies: hasProof,
			answer: func(p *Provider, w http.ResponseWriter, _ *http.Request) {
				p.refuseAPI(w, &refusal{http.StatusBadRequest, "invalid_proof", "the proof is not of this app's secret"})
			},
		},
	}
}

func outages() []Fault {
	return []Fault{
		{
			ID: "discovery-500", Title: "The discovery document cannot be had: error 500", Artefact: Discovery, Expect: connectors.Unavailable, applies: openID,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "down", Title: "The whole provider is down", Artefact: Everything, Expect: connectors.Unavailable,
			answer: status(http.StatusServiceUnavailable),
		},
	}
}

// slashed is an issuer with its last slash added or taken away.
func slashed(issuer string) string {
	if bare, ok := strings.CutSuffix(issuer, "/"); ok {
		return bare
	}
	return issuer + "/"
}

func booleansAsText(c mapping.Claims) {
	for name, value := range c {
		switch value {
		case true:
			c[name] = "true"
		case false:
			c[name] = "false"
		}
	}
}
