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

// Nobody has to wait for a provider's new key to be fetched in its turn: what it
// has signed is a reason to look, though not more often than once a minute.
func TestProviderKeyRollover(t *testing.T) {
	for name, lines := range map[string][]string{
		"POST":      nil,
		"encrypted": {"  response: {encrypted: required}"},
		"artifact":  {"  response: {binding: artifact}"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newSAMLProvider(t, lines...)
			c := p.open()
			signIn := func() error {
				_, err := p.signIn(c, p.attempt(), "full-record")
				return err
			}
			rotate := func() {
				t.Helper()
				if err := p.played.RotateKeys(); err != nil {
					t.Fatal(err)
				}
				p.played.RetireKeys()
			}
			if err := signIn(); err != nil {
				t.Fatal(err)
			}
			rotate()
			if err := signIn(); err != nil {
				t.Errorf("with a new key: %v", err)
			}
			before := p.played.Calls("metadata")
			rotate()
			wantOutcome(t, nil, signIn(), connectors.Refused)
			if n := p.played.Calls("metadata") - before; n != 0 {
				t.Errorf("metadata was fetched %d times more within the minute", n)
			}
			p.clock.advance(time.Minute)
			if err := signIn(); err != nil {
				t.Errorf("with a newer key: %v", err)
			}
		})
	}
}

// A new key may show itself in a logout message first.
func TestProviderKeyRolloverAtLogout(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	got, err := p.signIn(c, p.attempt(), "full-record")
	if err != nil {
		t.Fatal(err)
	}
	if err := p.played.RotateKeys(); err != nil {
		t.Fatal(err)
	}
	if answer, err := p.signOut(c, *got.Session); err != nil || !answer.OK {
		t.Errorf("answer is %+v, %v", answer, err)
	}
}

// No more than the document that is asked for is fetched: of an answer that says
// why there is none, keys are no reason.
func TestStatusNeedsNoKeys(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Fatal(err)
	}
	before := p.played.Calls("metadata")
	_, err := p.signIn(c, p.attempt(), "cancel")
	wantOutcome(t, nil, err, connectors.Cancelled)
	if p.played.Calls("metadata") != before {
		t.Error("metadata was fetched")
	}
}

// What a key signed that has left the metadata is refused, whenever it was
// signed.
func TestProviderKeyIsRetired(t *testing.T) {
	p := newSAMLProvider(t)
	p.cfg.SAML.Response.MaxAge = 24 * time.Hour // so that the key alone is a reason to refuse
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
