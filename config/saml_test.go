package config_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/councilid/councilid/config"
)

// A written key stays, and a loopback host is no sector.
func TestSAMLNames(t *testing.T) {
	cfg := load(t, `
-- broker.yaml --
issuer: http://127.0.0.1:8080
saml: {entity_id: "urn:example:idp", scopes: [example.gov.uk]}
-- connectors/national.yaml --
label: National
saml: {entity_id: "urn:example:sp", metadata: {file: idp.xml}}
-- apps/planning.yaml --
label: Planning
home: https://www.example.gov.uk/planning
sector: planning.example
saml: {metadata: {file: sp.xml}}
-- apps/local.yaml --
label: Local
saml: {manual: {entity_id: "http://localhost:3000/saml", acs: ["http://localhost:3000/acs", "http://localhost:3001/acs"]}}
`)
	planning, local := app(t, cfg, "planning"), app(t, cfg, "local")
	for _, tt := range []struct{ got, want string }{
		{cfg.Broker.SAML.EntityID, "urn:example:idp"},
		{cfg.Broker.SAML.Scopes[0], "example.gov.uk"},
		{connector(t, cfg, "national").SAML.EntityID, "urn:example:sp"},
		{planning.Home, "https://www.example.gov.uk/planning"},
		{planning.Sector, "planning.example"},
		{planning.SAML.EntityID(), "https://planning.example.gov.uk/saml"},
		{local.Home, "http://localhost:3000/"},
		{local.Sector, "local"},
		{local.SAML.EntityID(), "http://localhost:3000/saml"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
}

// The long names of SAML are no secrets.
func TestBlotKeepsAddresses(t *testing.T) {
	line := `email: claims["http://schemas.xmlsoap.org/ws/2005/05/identity/claims/emailaddress"]`
	_, err := config.Load(writeBroken(t, line), fstest.MapFS{})
	if problems, _ := errors.AsType[config.Problems](err); len(problems) == 0 || !strings.Contains(problems[0].Excerpt(), line) {
		t.Errorf("shown as %v", err)
	}
}
