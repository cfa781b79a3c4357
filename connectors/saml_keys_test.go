package connectors_test

import (
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/connectors"
)

// While keys are renewed, what was encrypted with the old one is still read.
func TestOwnKeyRollover(t *testing.T) {
	p := newSAMLProvider(t, "  response: {encrypted: required}")
	a := p.attempt()
	start, err := p.open().Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "full-record")
	if _, err := p.openWith(stranger(), credential()).Finish(t.Context(), a, answer); err != nil {
		t.Error(err)
	}
	got, err := p.openWith(stranger()).Finish(t.Context(), a, answer)
	wantOutcome(t, got, err, connectors.Refused)
}

// A provider's new key is known once its metadata has been fetched again, and
// an old one is forgotten then.
func TestProviderKeyRollover(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	signIn := func() error {
		_, err := p.signIn(c, p.attempt(), "full-record")
		return err
	}
	if err := signIn(); err != nil {
		t.Fatal(err)
	}
	if err := p.played.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	wantOutcome(t, nil, signIn(), connectors.Refused)

	p.clock.advance(7 * time.Hour)
	eventually(t, "the new key is known", func() bool { return signIn() == nil })

	// An answer signed with the old key, which the metadata still has.
	p.played.RetireKeys()
	if err := signIn(); err != nil {
		t.Error(err)
	}
}

// What a key signed that has left the metadata is refused, whenever it was
// signed.
func TestProviderKeyIsRetired(t *testing.T) {
	p := newSAMLProvider(t, "  response: {max_age: 24h}")
	c, a := p.open(), p.attempt()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "full-record")
	if _, err := c.Finish(t.Context(), a, answer); err != nil {
		t.Fatal(err)
	}
	if err := p.played.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	p.played.RetireKeys()
	p.clock.advance(7 * time.Hour)
	eventually(t, "the old key is unknown", func() bool {
		_, err := c.Finish(t.Context(), a, answer)
		return err != nil && strings.Contains(err.Error(), "signature")
	})
}

// eventually waits for what is done in the background.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); !done(); {
		if time.Now().After(deadline) {
			t.Fatalf("it does not come to pass that %s", what)
		}
	}
}
