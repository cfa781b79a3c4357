package config_test

import (
	"testing"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

func TestCap(t *testing.T) {
	c := config.Config{Connectors: []config.Connector{
		{ID: "open", Cap: config.Assurance{Identity: "P2", Authenticator: "Cm"}},
		{ID: "closed", Cap: config.Assurance{Identity: "P2", Authenticator: "Cm"}, Disabled: true},
	}}
	for id, want := range map[string]mapping.Assurance{
		"open": {Identity: mapping.P2, Authenticator: mapping.Cm}, "closed": {}, "gone": {}, "": {},
	} {
		if got := c.Cap(id); got != want {
			t.Errorf("%q is believed %s, want %s", id, got, want)
		}
	}
}
