package simulator

import (
	"net/http"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// nestedFaults are those of the token within what is said: GOV.UK One Login's
// core identity, ScotAccount's attributes.
func nestedFaults() []Fault {
	return []Fault{
		{
			ID: "nested-invalid-iss", Title: "Wrong issuer", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			nested: saying("iss", elsewhere),
		},
		{
			ID: "nested-iss-of-id-token", Title: "The issuer of ID tokens", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			nested: func(p *Provider, c mapping.Claims) { c["iss"] = p.terms.issuer },
		},
		{
			ID: "nested-invalid-aud", Title: "Wrong audience", Artefact: Nested, Expect: connectors.Refused, applies: audientNested,
			nested: saying("aud", "another-client"),
		},
		{
			ID: "nested-incorrect-sub", Title: "It tells of somebody else", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			nested: ofSomebodyElse,
		},
		{
			ID: "nested-no-sub", Title: "It does not say of whom it tells", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			nested: silent("sub"),
		},
		{
			ID: "nested-token-expired", Title: "Expired five minutes ago", Artefact: Nested, Expect: connectors.Refused, applies: expiringNested,
			nested: dated("exp", -5*time.Minute),
		},
		{
			ID: "nested-no-exp", Title: "Never expires", Artefact: Nested, Expect: connectors.Refused, applies: expiringNested,
			nested: silent("exp"),
		},
		{
			ID: "nested-token-not-valid-yet", Title: "Not valid for another ten minutes", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			nested: dated("nbf", 10*time.Minute),
		},
		{
			ID: "nested-alg-none", Title: "Not signed: alg is none", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			signNested: (*ring).unsigned,
		},
		{
			ID: "nested-alg-hmac", Title: "HMAC with the public key for its secret", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			signNested: (*ring).signByHMAC,
		},
		{
			ID: "nested-invalid-alg-header", Title: "The header names another algorithm", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			signNested: (*ring).misnamed,
		},
		{
			ID: "nested-invalid-signature", Title: "Bad signature", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			signNested: (*ring).signBadly,
		},
		{
			ID: "nested-unknown-kid", Title: "Signed with a key that is not published", Artefact: Nested, Expect: connectors.Refused, applies: nests,
			signNested: (*ring).signAstray,
		},
	}
}

func nestedKeyFaults() []Fault {
	return []Fault{
		{
			ID: "nested-rotate-keys", Title: "A new key is published and used at once", Artefact: NestedKeys, applies: nests,
			signNested: (*ring).rotated,
		},
		{
			ID: "nested-keys-500", Title: "A new key is used and none can be fetched", Artefact: NestedKeys, Expect: connectors.Unavailable, applies: ownNestedKeys,
			signNested: (*ring).signAstray,
			answer:     status(http.StatusInternalServerError),
		},
		{
			ID: "did-controller-mismatch", Title: "The DID document lists somebody else’s keys", Artefact: NestedKeys, Expect: connectors.Refused, applies: listsDID,
			disowns: true,
		},
	}
}
