package simulator_test

import (
	"cmp"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

var errState = errors.New("the answer has another state")

// samlExpectation is what the broker should make of a SAML provider.
type samlExpectation struct {
	describe func(base string) config.Connector
	// step is the one in which faults strike. Default: the only one.
	step string
	// raised is what a fault is worth that makes more of a sign-in.
	raised map[string]string
	// worth is what somebody is worth; nil where that is what the step reaches.
	worth func(simulator.Persona) string
}

func samlExpectations(t *testing.T) map[string]samlExpectation {
	one := func(simulator.Persona) string { return "Cl" }
	return map[string]samlExpectation{
		"plain": {describe: quick(t), worth: one},
		"post": {
			describe: quick(t, "  request: {binding: post, contexts: [\"urn:a\", \"urn:b\"], force: always}", "  response: {signed: both, encrypted: required}"),
			worth:    one,
		},
		"artifact": {describe: quick(t, "  response: {binding: artifact, encrypted: refused}"), worth: one},
		"response": {describe: quick(t, "  request: {sign: false}", "  response: {signed: response}"), worth: one},

		"adfs":       {describe: samlConnector(t, "preset: adfs"), step: "mfa"},
		"entra-saml": {describe: samlConnector(t, "preset: entra-saml"), worth: one},
		"shibboleth": {describe: samlConnector(t, "preset: shibboleth"), step: "mfa"},
		"eidas":      {describe: samlConnector(t, "preset: eidas"), step: "substantial", raised: map[string]string{"level-higher": "P3.Cm"}},
		"spid":       {describe: samlConnector(t, "preset: spid"), step: "level_2"},
		"digid":      {describe: samlConnector(t, "preset: digid"), step: "substantieel", raised: map[string]string{"level-higher": "P2.Ch"}},
		"myaccount": {describe: samlConnector(t, "preset: myaccount"), worth: func(p simulator.Persona) string {
			if p.Reaches.Identity >= mapping.P2 {
				return "P1.Cl" // LoA 2
			}
			return "Cl"
		}},
	}
}

// What a fault is expected to lead to, and what a persona is worth, is true of
// the broker's own connector: for every preset, every step, every persona and
// every fault.
func TestTheBrokerEndsSAMLAsExpected(t *testing.T) {
	for name, e := range samlExpectations(t) {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, e.describe, simulator.Options{Slow: time.Millisecond})
			s.cfg.Network.Attempts = 1
			steps := s.cfg.Ask
			if len(steps) == 0 {
				steps = []config.Ask{{}}
			}
			seen := map[string]bool{}
			for _, step := range steps {
				for _, persona := range s.provider.Personas() {
					strikes := step.Step == e.step && (name == "plain" || !strings.HasSuffix(persona.ID, "many-values"))
					if persona.Fault == nil || strikes { // many values take their time
						s.checkSAML(t, seen, persona, step, e)
					}
				}
			}
			load := simulator.Persona{ID: "load-7", Reaches: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}}
			s.checkSAML(t, seen, load, steps[0], e)
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
func (s *stage) checkSAML(t *testing.T, seen map[string]bool, persona simulator.Persona, step config.Ask, e samlExpectation) {
	t.Helper()
	name := step.Step + "/" + persona.ID
	said, err := s.signInByStep(t, s.connector(t), persona.ID, step.Step)
	got, want := outcome(err), e.outcome(persona, step)
	if err == nil && seen[said.Once.ID] {
		got = connectors.Refused
	}
	if got != want {
		t.Errorf("%s: got %q (%v), want %q", name, got, err, want)
	}
	if err != nil {
		return
	}
	seen[said.Once.ID] = true
	if said.Subject == "" || said.Issuer != s.cfg.SAML.Metadata.EntityID || said.Once.ID == "" || said.AuthTime.IsZero() {
		t.Errorf("%s: signed in as %+v", name, said)
	}
	if got, want := s.rules(t).Assess(said.Signed), e.level(t, persona, step); got != want {
		t.Errorf("%s: worth %s, want %s", name, got, want)
	}
}

// outcome is how the sign-in of somebody has to end in a step.
func (e samlExpectation) outcome(persona simulator.Persona, step config.Ask) connectors.Outcome {
	switch {
	case persona.Fault != nil:
		return persona.Fault.Expect
	case !persona.Reaches.AtLeast(step.Reaches.Vector()):
		return connectors.Unmet
	}
	return ""
}

// level is what it has to be worth.
func (e samlExpectation) level(t *testing.T, persona simulator.Persona, step config.Ask) mapping.Assurance {
	level := step.Reaches.Vector()
	if e.worth != nil {
		level = vector(t, e.worth(persona))
	}
	if persona.Fault == nil {
		return level
	}
	if persona.Fault.AtMost != nil {
		level = level.Meet(*persona.Fault.AtMost)
	}
	return vector(t, cmp.Or(e.raised[persona.Fault.ID], level.String()))
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

// A lower cap holds, whatever a provider signs and however it is asked.
func TestSAMLProvidersAreCapped(t *testing.T) {
	for _, test := range []struct{ preset, step, fault string }{
		{"eidas", "high", "with-card"}, {"eidas", "substantial", "level-higher"}, {"spid", "level_3", "with-card"}, {"digid", "hoog", "with-card"},
	} {
		s := playSAML(t, samlConnector(t, "preset: "+test.preset), simulator.Options{})
		said, err := s.signInByStep(t, s.connector(t), test.fault, test.step)
		if err != nil {
			t.Fatal(err)
		}
		s.cfg.Cap = config.Assurance{Identity: "P1", Authenticator: "Cm"}
		if got := s.rules(t).Assess(said.Signed).String(); got != "P1.Cm.F0.R0" {
			t.Errorf("%s, %s: worth %s", test.preset, test.fault, got)
		}
	}
}
