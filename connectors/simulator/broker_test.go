package simulator_test

import (
	"cmp"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

// expectation is what the broker should make of a provider.
type expectation struct {
	preset string
	// short is how a sign-in ends of somebody who cannot prove as much as was
	// asked for; "" where they are signed in for less.
	short connectors.Outcome
	// most is the most that a step comes to, where that is not what it reaches.
	most map[string]string
	// whole says that identity is proved as was asked for, or not at all.
	whole bool
	// stays says that they are not sent back at all.
	stays bool
}

func expectations() []expectation {
	return []expectation{
		{preset: "google"},
		{preset: "microsoft"},
		{preset: "facebook"},
		{preset: "github"},
		{preset: "govuk-one-login"},
		{preset: "scotaccount", whole: true},
		{preset: "nhs-login", short: connectors.Cancelled, most: map[string]string{"prove": "P2.Ch.F1"}},
		{preset: "login-gov", stays: true},
		{preset: "franceconnect", short: connectors.Cancelled},
		{preset: "franceconnect-plus", short: connectors.Cancelled},
		{preset: "singpass", whole: true},
		{preset: "gov-br"},
	}
}

// What a fault is expected to lead to, and what a persona is worth, is data that
// other checks rely on: here the broker's own connectors say whether it is true.
func TestTheBrokerEndsAsExpected(t *testing.T) {
	for _, e := range expectations() {
		t.Run(e.preset, func(t *testing.T) { checkProvider(t, preset(t, e.preset), e) })
	}
	t.Run("plain", func(t *testing.T) {
		checkProvider(t, func(base string) config.Connector { return loaded(aliased(base)) }, expectation{})
	})
}

func checkProvider(t *testing.T, describe func(string) config.Connector, e expectation) {
	s := play(t, describe, simulator.Options{Slow: time.Millisecond})
	s.cfg.ClientSecret = config.NewSecret(cmp.Or(s.cfg.ClientSecret.Reveal(), secret))
	s.cfg.Network.Attempts = 1
	steps := s.cfg.Ask
	if len(steps) == 0 {
		steps = []config.Ask{{Reaches: s.cfg.Cap}}
	}
	for _, persona := range s.provider.Personas() {
		for _, step := range steps {
			if persona.Fault == nil {
				s.check(t, persona, step, e)
			}
		}
		if persona.Fault != nil {
			s.check(t, persona, furthest(steps, persona), e)
		}
	}
	load := simulator.Persona{ID: "load-7", Reaches: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm, Residency: mapping.R2}}
	s.check(t, load, steps[len(steps)-1], e)
	for _, fault := range s.provider.Faults() {
		if fault.Beforehand() {
			checkImposed(t, s, fault)
		}
	}
}

// furthest is the last step that somebody reaches.
func furthest(steps []config.Ask, persona simulator.Persona) config.Ask {
	last := steps[len(steps)-1]
	for _, step := range steps {
		if persona.Reaches.AtLeast(step.Reaches.Vector()) {
			last = step
		}
	}
	return last
}

// check signs in as a persona and wants it to end, and to be worth, what is
// expected.
func (s *stage) check(t *testing.T, persona simulator.Persona, step config.Ask, e expectation) {
	t.Helper()
	asked := step.Reaches.Vector()
	if most, ok := e.most[step.Step]; ok {
		asked = vector(t, most)
	}
	want, level := connectors.Outcome(""), persona.Reaches.Meet(asked)
	if e.whole && level.Identity < asked.Identity {
		level.Identity = mapping.P0
	}
	if !persona.Reaches.AtLeast(step.Reaches.Vector()) {
		want = e.short
		if e.stays {
			return // see TestStranded
		}
	}
	if persona.Fault != nil {
		want = persona.Fault.Expect
		if persona.Fault.AtLeast != nil {
			level = level.Join(*persona.Fault.AtLeast)
		}
		if persona.Fault.AtMost != nil {
			level = level.Meet(*persona.Fault.AtMost)
		}
	}
	if persona.Elsewhere && asked.Identity > mapping.P0 {
		return // leaves the browser: see TestLandingJourney
	}
	assertion, err := s.signInAt(t, persona, step.Step)
	name := step.Step + "/" + persona.ID
	if errors.Is(err, errOtherState) && want == connectors.Refused {
		return // the broker refuses it before the connector sees it
	}
	if got := outcome(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", name, got, err, want)
	}
	if err != nil || want != "" {
		return
	}
	if assertion.Subject == "" {
		t.Errorf("%s: signed in as nobody", name)
	}
	if got, want := s.rules(t).Assess(assertion.Signed), level.Meet(s.cfg.Cap.Vector()); len(s.cfg.Ask) > 0 && got != want {
		t.Errorf("%s: worth %s, want %s", name, got, want)
	}
}

func (s *stage) rules(t *testing.T) *mapping.Rules {
	t.Helper()
	rules, mistakes := mapping.CompileRules(s.cfg.RuleSource())
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return rules
}

func vector(t *testing.T, text string) mapping.Assurance {
	t.Helper()
	v, err := mapping.ParseAssurance(text)
	if err != nil {
		t.Fatal(err)
	}
	return v
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
	asked := s.cfg.OIDC != nil && (s.cfg.OIDC.Endpoints.JWKS == "" || s.cfg.OIDC.PAR == "required")
	if got := outcome(err); got != fault.Expect && asked { // others are not called before the browser is sent
		t.Errorf("%s: got %q (%v), want %q", fault.ID, got, err, fault.Expect)
	}
}

var errOtherState = errors.New("the answer has another state")

// signInAt makes the whole trip through a connector that nothing has happened to
// yet: no keys are cached and no circuit breaker is open.
func (s *stage) signInAt(t *testing.T, persona simulator.Persona, step string) (*connectors.Assertion, error) {
	t.Helper()
	connector, err := connectors.Open(s.cfg, connectors.Options{Redirect: callback})
	if err != nil {
		t.Fatal(err)
	}
	a := attempt()
	a.Started, a.Step = time.Now().Add(-persona.Takes), step
	start, err := connector.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := s.answer(t, start.URL+"&"+url.Values{"persona": {persona.ID}}.Encode())
	if answer.Get("state") != state {
		return nil, errOtherState
	}
	r := httptest.NewRequest(http.MethodGet, callback+"?"+answer.Encode(), nil)
	return connector.Finish(t.Context(), a, r)
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
