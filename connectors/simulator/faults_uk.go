package simulator

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// scotAccountFaults are about the token with the attributes.
func scotAccountFaults() []Fault {
	return slices.Concat(scotAccountLevels(), scotAccountAttributes(), scotAccountAnswers())
}

// provesNothing is worth no more than a sign-in is, of whoever it may be.
func provesNothing() *mapping.Assurance {
	return &mapping.Assurance{Authenticator: mapping.Ch, Phishing: mapping.F1}
}

// scotAccountLevels are about how sure the provider is of somebody.
func scotAccountLevels() []Fault {
	return []Fault{
		{
			ID: "scope-failed", Title: "The identity failed, and is in the list", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: verification("scotaccount.gpg45.medium", "outcome", "VERIFICATION_FAILED"),
		},
		{
			ID: "address-failed", Title: "The address failed, and is in the list", Artefact: Level, AtMost: residencyAtMost(mapping.R0),
			nested: verification("scotaccount.address", "outcome", "VERIFICATION_FAILED"),
		},
		{
			ID: "with-warnings", Title: "The identity is verified with warnings", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: verification("scotaccount.gpg45.medium", "outcome", "VERIFIED_WITH_WARNINGS"),
		},
		{
			ID: "level-lower", Title: "A lower level of identity than was asked for", Artefact: Level, AtMost: identityAtMost(mapping.P1),
			nested: verification("scotaccount.gpg45.medium", "confidence_level", "low"),
		},
		{
			ID: "level-higher", Title: "A higher level of identity than was asked for", Artefact: Level, AtLeast: identityAtLeast(mapping.P4),
			nested: verification("scotaccount.gpg45.medium", "confidence_level", "very_high"),
		},
		{
			ID: "level-missing", Title: "No level of identity", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: verification("scotaccount.gpg45.medium", "confidence_level", nil),
		},
		{
			ID: "level-unknown", Title: "A level of identity that nobody knows", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			nested: verification("scotaccount.gpg45.medium", "confidence_level", "GPG45-Medium"),
		},
		{
			ID: "level-in-id-token", Title: "The identity is in the ID token, where it does not belong", Artefact: Level, AtMost: provesNothing(),
			claims: func(_ *Provider, c mapping.Claims) {
				c["verified_claims"] = []any{map[string]any{"scope": "scotaccount.gpg45.medium", "verification": map[string]any{
					"outcome": "VERIFIED_SUCCESSFULLY", "assurance_policy": "GPG_45", "confidence_level": "medium",
				}}}
			},
			nested: silent("verified_claims"),
		},
	}
}

// scotAccountAttributes are about how the attributes were checked and are written.
func scotAccountAttributes() []Fault {
	return []Fault{
		{
			ID: "address-self-certified", Title: "The person says where they live", Artefact: Level, AtMost: residencyAtMost(mapping.R0),
			nested: verification("scotaccount.address", "validation_method", "self_certified"),
		},
		{
			ID: "email-self-certified", Title: "The person says that the e-mail is theirs", Artefact: Nested,
			nested: verification("scotaccount.email", "validation_method", "self_certified"),
		},
		{
			ID: "single-object", Title: "The old form of the token: one object, and claims outside", Artefact: Nested, AtMost: provesNothing(),
			nested: singleObject,
		},
		{
			ID: "snake-case-address", Title: "The address has names like street_name", Artefact: Nested,
			nested: snakeCase,
		},
	}
}

// scotAccountAnswers are about what is answered in place of a token.
func scotAccountAnswers() []Fault {
	return []Fault{
		{
			ID: "no-attributes", Title: "No attributes: status 404", Artefact: Profile, AtMost: provesNothing(),
			answer: status(http.StatusNotFound),
		},
		{
			ID: "attributes-refused", Title: "The attributes are refused: status 401", Artefact: Profile, Expect: connectors.Unavailable,
			answer: status(http.StatusUnauthorized),
		},
		{
			ID: "ip-refused", Title: "Our address is not on the list: status 504", Artefact: TokenEndpoint, Expect: connectors.Unavailable,
			answer: status(http.StatusGatewayTimeout),
		},
	}
}

// verification changes what is said of how the claims of a scope were checked.
func verification(scope, member string, value any) func(*Provider, mapping.Claims) {
	return func(_ *Provider, c mapping.Claims) {
		checked := entry(c, scope)["verification"].(map[string]any)
		checked[member] = value
		if value == nil {
			delete(checked, member)
		}
	}
}

// entry is what verified_claims has of a scope.
func entry(c mapping.Claims, scope string) map[string]any {
	list, _ := c["verified_claims"].([]any)
	for _, item := range list {
		if item := item.(map[string]any); item["scope"] == scope {
			return item
		}
	}
	return map[string]any{"verification": map[string]any{}, "claims": map[string]any{}}
}

func singleObject(_ *Provider, c mapping.Claims) {
	c["claims"] = entry(c, "scotaccount.gpg45.medium")["claims"]
	c["verified_claims"] = map[string]any{"verification": map[string]any{
		"outcome": "f2cfe0e1-6fbe-4cb6-9e8d-1c1f1427cc2a VERIFIED SUCCESSFULLY", "trust_framework": "uk_tfida", "assurance_level": "GPG45-Medium",
	}}
}

func snakeCase(_ *Provider, c mapping.Claims) {
	claims := entry(c, "scotaccount.address")["claims"].(map[string]any)
	camel, _ := claims["address"].(map[string]any)
	snake := map[string]any{}
	for from, to := range map[string]string{
		"uprn": "uprn", "buildingNumber": "building_number", "streetName": "street_name", "addressLocality": "address_locality", "postalCode": "postal_code",
	} {
		if value, ok := camel[from]; ok {
			snake[to] = value
		}
	}
	claims["address"] = snake
}

func nhsFaults() []Fault {
	nothing := &mapping.Assurance{Residency: mapping.R3}
	return []Fault{
		{
			ID: "access-denied", Title: "The person gives up", Artefact: Callback, Expect: connectors.Cancelled,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "access_denied") },
		},
		{
			ID: "sso-login-required", Title: "Nobody is signed in there", Artefact: Callback, Expect: connectors.Declined,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "sso_login_required") },
		},
		{
			ID: "dropped-scope", Title: "A scope is dropped without a word", Artefact: TokenEndpoint, Expect: connectors.Misconfigured,
			tokens: func(answer map[string]any) { answer["scope"] = "openid email" },
		},
		{
			ID: "level-lower", Title: "A lower level than was asked for", Artefact: Level, AtMost: &mapping.Assurance{Identity: mapping.P1, Authenticator: mapping.Cm},
			claims: saying("vot", "P5.Cp.Cd"),
		},
		{
			ID: "level-missing", Title: "No level", Artefact: Level, AtMost: nothing, claims: silent("vot"),
		},
		{
			ID: "level-unknown", Title: "A level that nobody knows", Artefact: Level, AtMost: nothing, claims: saying("vot", "P8.Cx"),
		},
		{
			ID: "level-not-issued", Title: "A credential that is documented and not in use", Artefact: Level,
			AtMost: authenticatorAtMost(mapping.C0), claims: saying("vot", "P9.Cp.Ck"),
		},
		{
			ID: "level-unsigned", Title: "The level is in userinfo, which is not signed", Artefact: Level, AtMost: nothing,
			claims: silent("vot"), userinfo: saying("vot", "P9.Cm"),
		},
		{
			ID: "proofing-level-alone", Title: "The proofing level is higher than what was reached", Artefact: Level,
			AtMost: &mapping.Assurance{Authenticator: mapping.Cl},
			claims: func(_ *Provider, c mapping.Claims) { c["vot"], c["identity_proofing_level"] = "P0.Cp", "P9" },
		},
	}
}
