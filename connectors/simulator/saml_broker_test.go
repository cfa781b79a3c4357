package simulator_test

import (
	"errors"
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

var errState = errors.New("the answer has another state")

// What a fault is expected to lead to is true of the broker's own connector:
// for every preset, every persona and every fault.
func TestTheBrokerEndsSAMLAsExpected(t *testing.T) {
	for name, describe := range map[string]func(string) config.Connector{
		"plain":      quick(t),
		"post":       quick(t, "  request: {binding: post, contexts: [\"urn:a\", \"urn:b\"], force: always}", "  response: {signed: both, encrypted: required}"),
		"artifact":   quick(t, "  response: {binding: artifact, encrypted: refused}"),
		"response":   quick(t, "  request: {sign: false}", "  response: {signed: response}"),
		"adfs":       samlConnector(t, "preset: adfs"),
		"entra-saml": samlConnector(t, "preset: entra-saml"),
		"shibboleth": samlConnector(t, "preset: shibboleth"),
		"eidas":      samlConnector(t, "preset: eidas"),
	} {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, describe, simulator.Options{})
			s.cfg.Network.Attempts = 1
			seen := map[string]bool{}
			for _, persona := range s.provider.Personas() {
				want := connectors.Outcome("")
				if persona.Fault != nil {
					want = persona.Fault.Expect
				}
				s.checkSAML(t, seen, persona.ID, want)
			}
			s.checkSAML(t, seen, "load-7", "")
			for _, fault := range s.provider.Faults() {
				if fault.Artefact == simulator.Metadata || fault.Artefact == simulator.Everything {
					s.checkImposed(t, fault)
				}
			}
		})
	}
}

// checkSAML signs in as a persona. seen are the assertions that were used,
// which the broker remembers.
func (s *stage) checkSAML(t *testing.T, seen map[string]bool, persona string, want connectors.Outcome) {
	t.Helper()
	said, err := s.signIn(t, s.connector(t), persona)
	got := outcome(err)
	if err == nil && seen[said.Once.ID] {
		got = connectors.Refused
	}
	if got != want {
		t.Errorf("%s: got %q (%v), want %q", persona, got, err, want)
	}
	if err != nil {
		return
	}
	seen[said.Once.ID] = true
	if said.Subject == "" || said.Issuer != s.cfg.SAML.Metadata.EntityID || said.Once.ID == "" || said.AuthTime.IsZero() {
		t.Errorf("%s: signed in as %+v", persona, said)
	}
}

func (s *stage) checkImposed(t *testing.T, fault simulator.Fault) {
	t.Helper()
	if err := s.provider.SetFault(fault.ID); err != nil {
		t.Fatal(err)
	}
	defer s.provider.SetDown(false)
	_, err := s.connector(t).Start(t.Context(), attempt())
	if got := outcome(err); got != fault.Expect {
		t.Errorf("%s: got %q (%v), want %q", fault.ID, got, err, fault.Expect)
	}
}
