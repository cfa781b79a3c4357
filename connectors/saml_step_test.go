package connectors_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

const (
	usual  = "urn:example:usual"
	strong = "urn:example:strong"
)

// newStepped is a provider that is asked in three ways, of which the first is
// the connector's own.
func newStepped(t *testing.T) *handmade {
	h := newHandmade(t)
	h.cfg.SAML.Request.Contexts = []string{usual}
	h.cfg.Ask = []config.Ask{
		{Step: "sign_in"},
		{Step: "prove", Contexts: []string{strong}},
		{Step: "either", Contexts: []string{strong, usual}},
	}
	return h
}

func TestStepsAskForTheirContexts(t *testing.T) {
	h := newStepped(t)
	for step, want := range map[string][]string{
		"": {usual}, "sign_in": {usual}, "prove": {strong}, "either": {strong, usual},
	} {
		a := h.attempt()
		a.Step = step
		start, err := h.open().Start(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := message.ParseAuthnRequest(h.readByProvider(start))
		if err != nil || !slices.Equal(got.Contexts, want) {
			t.Errorf("step %q asks for %v (%v), want %v", step, got.Contexts, err, want)
		}
	}
}

// What was asked for in one step is no answer to another.
func TestStepsAreHeldToTheirContexts(t *testing.T) {
	h := newStepped(t)
	for _, test := range []struct {
		step, context string
		met           bool
	}{
		{"sign_in", usual, true},
		{"sign_in", strong, false},
		{"prove", usual, false},
		{"prove", strong, true},
		{"either", usual, true},
	} {
		a := h.attempt()
		a.Step = test.step
		s := h.statement(a)
		s.Context = test.context
		got, err := h.finish(a, s)
		if !test.met {
			wantOutcome(t, got, err, connectors.Unmet)
		} else if err != nil {
			t.Errorf("step %s refuses %s: %v", test.step, test.context, err)
		}
	}
}

// Levels are read from the assertion and its context, of which nothing is
// unsigned, and an attribute cannot pass for the context.
func TestSAMLSigned(t *testing.T) {
	h := newHandmade(t)
	a := h.attempt()
	s := h.statement(a)
	s.Context = usual
	s.Attributes = []message.Attribute{{Name: "LoA", Values: []string{"2"}}, {Name: "class", Values: []string{strong}}}
	got, err := h.finish(a, s)
	if err != nil {
		t.Fatal(err)
	}
	want := mapping.Signed{"assertion": got.Claims, "context": {"class": usual}}
	if diff := cmp.Diff(want, got.Signed); diff != "" {
		t.Errorf("signed (-want +got):\n%s", diff)
	}
	if got.Signed["assertion"].Text("LoA") != "2" {
		t.Error("the attribute is not there")
	}
}
