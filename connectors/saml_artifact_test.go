package connectors_test

import (
	"testing"

	"github.com/councilid/councilid/connectors"
)

func TestArtifactIsResolvedOnce(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}")
	c, a := p.open(), p.attempt()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "full-record")
	if _, err := c.Finish(t.Context(), a, answer); err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), a, answer)
	wantOutcome(t, got, err, connectors.Refused)
}

// Anybody can make the broker ask for an artifact that is none. That the
// provider says so shuts nobody else out.
func TestArtifactFaultsLeaveTheBreakerClosed(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}", "network: {attempts: 1}")
	c := p.open()
	for range 10 {
		_, err := p.signIn(c, p.attempt(), "artifact-fault")
		wantOutcome(t, nil, err, connectors.Unavailable)
	}
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Error(err)
	}
}

// A provider that answers by artifact has to be called to sign anybody in.
func TestArtifactBreaker(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}", "network: {attempts: 1}")
	c := p.open()
	for range 10 {
		_, err := p.signIn(c, p.attempt(), "artifact-500")
		wantOutcome(t, nil, err, connectors.Unavailable)
	}
	if state := c.(connectors.Guarded).BreakerState(); state != "open" {
		t.Errorf("breaker is %s", state)
	}
	before := p.played.Calls("sso")
	_, err := p.signIn(c, p.attempt(), "full-record")
	wantOutcome(t, nil, err, connectors.Unavailable)
	if p.played.Calls("sso") != before {
		t.Error("a resident was sent to a provider whose answer could not be fetched")
	}
}
