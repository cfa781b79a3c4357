package simulator

import (
	"strings"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// said is a level in the provider's words, and what it is worth.
type said struct {
	word  string
	worth *mapping.Assurance
}

// acrFaults are those of a level that acr says: instead of what is true a lower
// and a higher one; and nothing that can be made out, which leaves at most unsaid.
func acrFaults(lower, higher said, unsaid *mapping.Assurance) []Fault {
	return []Fault{
		{
			ID: "level-lower", Title: "A lower level than was asked for", Artefact: Level, AtMost: lower.worth, claims: saying("acr", lower.word),
		},
		{
			ID: "level-higher", Title: "A higher level than was asked for", Artefact: Level, AtLeast: higher.worth, claims: saying("acr", higher.word),
		},
		{
			ID: "level-missing", Title: "No level", Artefact: Level, AtMost: unsaid, claims: silent("acr"),
		},
		{
			ID: "level-unknown", Title: "A level that nobody knows", Artefact: Level, AtMost: unsaid, claims: saying("acr", higher.word+"+"),
		},
		{
			ID: "level-elsewhere", Title: "The level is in userinfo, where it does not belong", Artefact: Level, AtMost: unsaid,
			claims: silent("acr"), userinfo: saying("acr", higher.word),
		},
	}
}

func loginGovFaults() []Fault {
	return acrFaults(
		said{"urn:acr.login.gov:verified", identityAtMost(mapping.P1)},
		said{"urn:acr.login.gov:verified-facial-match-required", nil}, identityAtMost(mapping.P0),
	)
}

func frenchFaults(lower, higher string) []Fault {
	least, most := eidasLevel(lower), eidasLevel(higher)
	return append(acrFaults(said{lower, &least}, said{higher, &most}, &mapping.Assurance{}), Fault{
		ID: "stale-code", Title: "The code is spent after 40 seconds", Artefact: TokenEndpoint, Expect: connectors.TryLater, age: 40 * time.Second,
	})
}

func singpassFaults() []Fault {
	const loa = "urn:singpass:authentication:loa:"
	return append(acrFaults(said{loa + "1", authenticatorAtMost(mapping.Cl)}, said{loa + "3", nil}, authenticatorAtMost(mapping.C0)), Fault{
		ID: "nameless", Title: "No name comes of the register", Artefact: Level, AtMost: identityAtMost(mapping.P0),
		claims: saying("sub_attributes", map[string]any{}),
	})
}

// govBrFaults: booleans are text at all times.
func govBrFaults() []Fault {
	return []Fault{
		{
			ID: "bare-subject", Title: "The subject has no punctuation this time", Artefact: IDToken,
			claims: func(_ *Provider, c mapping.Claims) {
				c["sub"] = strings.NewReplacer(".", "", "-", "").Replace(c.Text("sub"))
			},
		},
		{
			ID: "level-missing", Title: "No reliability", Artefact: Level, AtMost: identityAtMost(mapping.P0), claims: silent("reliability_info"),
		},
		{
			ID: "level-unknown", Title: "A reliability that nobody knows", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			claims: saying("reliability_info", map[string]any{"level": "platinum"}),
		},
		{
			ID: "level-lower", Title: "A bronze account", Artefact: Level, AtMost: identityAtMost(mapping.P1),
			claims: saying("reliability_info", map[string]any{"level": "bronze"}),
		},
		{
			ID: "level-unsigned", Title: "The reliability is not in the ID token", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			claims: silent("reliability_info"), userinfo: saying("reliability_info", map[string]any{"level": "gold"}),
		},
	}
}
