package simulator_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// What a fault is expected to lead to is data that other checks rely on: here
// the broker's own connectors say whether it is true.
func TestTheBrokerEndsAsExpected(t *testing.T) {
	for name, describe := range map[string]func(string) config.Connector{
		"plain":     func(base string) config.Connector { return loaded(aliased(base)) },
		"google":    preset(t, "google"),
		"microsoft": preset(t, "microsoft"),
		"facebook":  preset(t, "facebook"),
		"github":    preset(t, "github"),
	} {
		t.Run(name, func(t *testing.T) {
			s := play(t, describe, simulator.Options{Slow: time.Millisecond})
			s.cfg.ClientSecret = config.NewSecret(secret)
			s.cfg.Network.Attempts = 1
			for _, persona := range s.provider.Personas() {
				if persona.Fault == nil {
					checkOutcome(t, s, persona.ID, "")
				} else {
					checkOutcome(t, s, persona.ID, persona.Fault.Expect)
				}
			}
			checkOutcome(t, s, "load-7", "")
			for _, fault := range s.provider.Faults() {
				if fault.Beforehand() {
					checkImposed(t, s, fault)
				}
			}
		})
	}
}

// loaded fills in what the loader would.
func loaded(cfg config.Connector) config.Connector {
	cfg.Subject = "claims.sub"
	cfg.Network.Timeout = 10 * time.Second
	cfg.OIDC.Algorithms = []string{"ES256"}
	cfg.OIDC.ClientAuth = "client_secret_basic"
	cfg.OIDC.Discovery = cfg.OIDC.Issuer + "/.well-known/openid-configuration"
	cfg.OIDC.ClockSkew = 30 * time.Second
	cfg.OIDC.Scopes = []string{"openid", "profile", "email"}
	return cfg
}

func checkImposed(t *testing.T, s *stage, fault simulator.Fault) {
	t.Helper()
	if err := s.provider.SetFault(fault.ID); err != nil {
		t.Fatal(err)
	}
	defer s.provider.SetDown(false)
	connector, err := connectors.Open(s.cfg, connectors.Options{Redirect: callback})
	if err != nil {
		t.Fatal(err)
	}
	_, err = connector.Start(t.Context(), attempt())
	if got := outcome(err); got != fault.Expect && s.cfg.OIDC != nil { // OAuth 2.0 is not asked before the browser is sent
		t.Errorf("%s: got %q (%v), want %q", fault.ID, got, err, fault.Expect)
	}
}

// checkOutcome signs in through a connector that nothing has happened to yet:
// no keys are cached and no circuit breaker is open.
func checkOutcome(t *testing.T, s *stage, persona string, want connectors.Outcome) {
	t.Helper()
	connector, err := connectors.Open(s.cfg, connectors.Options{Redirect: callback})
	if err != nil {
		t.Fatal(err)
	}
	start, err := connector.Start(t.Context(), attempt())
	if err != nil {
		t.Fatal(err)
	}
	answer := s.answer(t, start.URL+"&persona="+persona)
	if answer.Get("state") != state {
		if want != connectors.Refused {
			t.Errorf("%s: the answer has another state", persona)
		}
		return // the broker refuses it before the connector sees it
	}
	r := httptest.NewRequest(http.MethodGet, callback+"?"+answer.Encode(), nil)
	assertion, err := connector.Finish(t.Context(), attempt(), r)
	if got := outcome(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", persona, got, err, want)
	}
	if err == nil && assertion.Subject == "" {
		t.Errorf("%s: signed in as nobody", persona)
	}
}

func attempt() connectors.Attempt {
	return connectors.Attempt{State: state, Nonce: nonce, Verifier: verifier}
}

// outcome of a sign-in, "" if it succeeded.
func outcome(err error) connectors.Outcome {
	if err == nil {
		return ""
	}
	if f, ok := errors.AsType[*connectors.Failure](err); ok {
		return f.Outcome
	}
	return "no outcome"
}
