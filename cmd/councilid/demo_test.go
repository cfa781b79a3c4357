package main

import (
	"context"
	"io"
	"testing"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/cmd/councilid/demo"
)

// Everybody fares as predicted, at one provider of each kind: demo --check
// --personas tries them all.
func TestPersonas(t *testing.T) {
	open := func() (*demo.Site, error) { return demo.OpenPersonas("govuk-one-login", "apple", "spid") }
	err := runDemo(t.Context(), open, io.Discard, t.Output(), func(ctx context.Context, s *demo.Site, b *broker.Broker) error {
		cells, err := s.CheckPersonas(ctx, func() error { return b.Reload(s.Config) })
		for _, c := range cells {
			if !c.OK() {
				t.Errorf("%s %s: %s, where %s was predicted", c.Connector, c.Persona, c, c.Predicted)
			}
		}
		if len(cells) < 200 {
			t.Errorf("only %d personas and faults were tried", len(cells))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
