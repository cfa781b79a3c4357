package op

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

var testContexts = contexts{
	{ACR: "cl", Assurance: config.Assurance{Authenticator: "Cl"}},
	{ACR: "cm", AMR: []string{"mfa"}, Assurance: config.Assurance{Authenticator: "Cm"}},
	{ACR: "p2.cm", AMR: []string{"mfa"}, Assurance: config.Assurance{Identity: "P2", Authenticator: "Cm"}},
}

func level(vector string) mapping.Assurance {
	a, err := mapping.ParseAssurance(vector)
	if err != nil {
		panic(err)
	}
	return a
}

func levels(vectors ...string) []mapping.Assurance {
	var all []mapping.Assurance
	for _, v := range vectors {
		all = append(all, level(v))
	}
	return all
}

func TestReadLevels(t *testing.T) {
	for query, want := range map[string]wanted{
		"":                     {},
		"&acr_values=cm+cl":    {acr: []string{"cm", "cl"}, levels: levels("Cm", "Cl")},
		"&acr_values=urn:x+cm": {acr: []string{"urn:x", "cm"}, levels: levels("Cm")},
		`&claims={"id_token":{"acr":{"essential":true,"values":["p2.cm","cm"]}}}`:       {acr: []string{"p2.cm", "cm"}, levels: levels("P2.Cm", "Cm"), essential: true},
		`&claims={"id_token":{"acr":{"essential":true,"value":"p2.cm"}}}&acr_values=cl`: {acr: []string{"p2.cm"}, levels: levels("P2.Cm"), essential: true},
		`&claims={"id_token":{"acr":{"value":"cm"}}}`:                                   {acr: []string{"cm"}, levels: levels("Cm")},
		`&claims={"id_token":{"acr":{"essential":true}}}`:                               {},
		`&claims={"id_token":{"acr":null}}&acr_values=cm`:                               {acr: []string{"cm"}, levels: levels("Cm")},
		`&vtr=["P2.Cl.Cm"]&acr_values=cl`:                                               {levels: levels("P2.Cm"), essential: true, vectors: true},
		`&vtr=["Cm"]&claims={"id_token":{"acr":{"essential":true}}}`:                    {levels: levels("Cm"), essential: true, vectors: true},
		`&vtr=["Cm"]&claims={"id_token":{"acr":{"value":"p2.cm"}}}`:                     {levels: levels("Cm"), essential: true, vectors: true},
		`&vtr=["Cm","P1.Cl"]`: {levels: levels("Cm", "P1.Cl"), essential: true, vectors: true},
		`&vtr=["P0.Cm.F1"]`:   {levels: levels("Cm.F1"), essential: true, vectors: true, trustmark: true},
	} {
		a, _, err := parse(t, sound+query)
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if diff := cmp.Diff(want, a.wanted, cmp.AllowUnexported(wanted{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", query, diff)
		}
	}
}

func TestReadLevelsRefuses(t *testing.T) {
	for query, code := range map[string]string{
		"&vtr=P2.Cm":          invalidRequest,
		"&vtr=[]":             invalidRequest,
		`&vtr=["P2.Cm","M9"]`: invalidRequest,
		`&vtr=["P9.Cm"]`:      invalidRequest,
		`&vtr=["Cl","Cl","Cl","Cl","Cl","Cl","Cl","Cl","Cl","Cl","Cl"]`: invalidRequest,
		`&claims=[]`: invalidRequest,
		`&claims={"id_token":{"acr":{"essential":true,"value":2}}}`:                   unmetAuthenticationRequirements,
		`&claims={"id_token":{"acr":{"essential":true,"value":"urn:nobody"}}}`:        unmetAuthenticationRequirements,
		`&vtr=["Cl"]&claims={"id_token":{"acr":{"essential":true,"value":"p2.cm"}}}`:  invalidRequest,
		`&vtr=["Cl"]&claims={"id_token":{"acr":{"essential":true,"values":["cm"]}}}`:  invalidRequest,
		`&claims={"id_token":{"sub":{"value":"a"}},"userinfo":{"sub":{"value":"b"}}}`: invalidRequest,
	} {
		a, _, err := parse(t, sound+query)
		if err == nil {
			_, err = a.claims.subject()
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Code != code {
			t.Errorf("%s: %v, want %s", query, err, code)
		}
	}
}

func TestTold(t *testing.T) {
	for _, tt := range []struct {
		asked     []string
		need, has string
		want      string
	}{
		{nil, "P0", "C0", ""},
		{nil, "P0", "Cl", "cl"},
		{nil, "P0", "Cm", "cm"},
		{nil, "P0", "P2.Cm", "cm"}, // who somebody is, is said to those who ask
		{nil, "P2", "P2.Cm", "p2.cm"},
		{[]string{"p2.cm"}, "P0", "P2.Cm", "p2.cm"},
		{[]string{"p2.cm"}, "P0", "P1.Cm", "cm"}, // never more than there is
		{[]string{"cl", "cm"}, "P0", "P2.Cm", "cl"},
		{[]string{"urn:nobody"}, "P0", "Cm", "cm"},
	} {
		if got := testContexts.told(tt.asked, level(tt.need), level(tt.has)).ACR; got != tt.want {
			t.Errorf("asked for %q, needing %s, of a session worth %s: told %q, want %q", tt.asked, tt.need, tt.has, got, tt.want)
		}
	}
}

// No name of a level is ever told that the session does not reach.
func TestToldIsNeverMore(t *testing.T) {
	for _, has := range everyLevel() {
		for _, context := range testContexts {
			got := testContexts.told([]string{context.ACR}, level("P4.R3"), has)
			if got.ACR != "" && !has.AtLeast(got.Assurance.Vector()) {
				t.Errorf("%s: told %s", has, got.ACR)
			}
		}
	}
}

func everyLevel() []mapping.Assurance {
	var all []mapping.Assurance
	for p := mapping.P0; p <= mapping.P4; p++ {
		for c := mapping.C0; c <= mapping.Ch; c++ {
			for f := mapping.F0; f <= mapping.F1; f++ {
				for r := mapping.R0; r <= mapping.R3; r++ {
					all = append(all, mapping.Assurance{Identity: p, Authenticator: c, Phishing: f, Residency: r})
				}
			}
		}
	}
	return all
}
