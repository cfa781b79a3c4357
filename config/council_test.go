package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/config"
)

// What people cannot do is not promised to apps.
func TestCouncilPromises(t *testing.T) {
	base := parseArchive(t, "testdata/base.txtar")
	setTestEnv(t)
	const steps = "ask: [{step: passkey, reaches: {authenticator: Cm, phishing: F1}}]\n"
	for name, tt := range map[string]struct {
		issuer, connector string
		want              []string
		reach             string
	}{
		"passkeys":                     {"http://localhost:8080", "", []string{"sign_in", "two_factors", "passkey"}, "P0.Cm.F1.R0"},
		"devices that are vouched for": {"http://localhost:8080", "council: {attestation: keys/cert.pem}\n", []string{"sign_in", "two_factors", "passkey", "passkey_bound"}, "P0.Ch.F1.R0"},
		"at an address":                {"http://127.0.0.1:8080", "", []string{"sign_in"}, "P0.Cl.F0.R0"},
		"at another":                   {"http://[::1]:8080", "", []string{"sign_in"}, "P0.Cl.F0.R0"},
		"turned off":                   {"http://localhost:8080", "council: {passkeys: false}\n", []string{"sign_in"}, "P0.Cl.F0.R0"},
		"passwords":                    {"http://127.0.0.1:8080", "council: {passwords: true}\n", []string{"sign_in", "two_factors"}, "P0.Cm.F0.R0"},
		"no step that is left":         {"http://127.0.0.1:8080", steps, nil, "P0.Cl.F0.R0"},
	} {
		t.Run(name, func(t *testing.T) {
			dir, presets := writeFolder(t, base.Files, []txtar.File{
				{Name: "broker.yaml", Data: []byte("issuer: " + tt.issuer + "\nmail: {smtp: smtp.internal:587, from: no-reply@example.gov.uk}\n")},
				{Name: "connectors/council.yaml", Data: []byte("preset: own\n" + tt.connector)},
			})
			cfg, err := config.Load(dir, presets)
			if err != nil {
				t.Fatal(err)
			}
			c := cfg.Connectors[0]
			var got []string
			for _, ask := range c.Ask {
				got = append(got, ask.Step)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || c.Reach().String() != tt.reach {
				t.Errorf("reaches %s, want %s; steps (-want +got):\n%s", c.Reach(), tt.reach, diff)
			}
		})
	}
}
