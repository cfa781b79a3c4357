package simulator

import (
	"time"

	"github.com/councilid/councilid/mapping"
)

// The faults of levels of assurance end in sign-ins, and are worth what the
// provider signed: no more than that, and never more than its connector's cap.

// identityAtMost leaves everything but the identity as it is.
func identityAtMost(i mapping.Identity) *mapping.Assurance {
	return &mapping.Assurance{Identity: i, Authenticator: mapping.Ch, Phishing: mapping.F1, Residency: mapping.R3}
}

func authenticatorAtMost(c mapping.Authenticator) *mapping.Assurance {
	return &mapping.Assurance{Identity: mapping.P4, Authenticator: c, Phishing: mapping.F1, Residency: mapping.R3}
}

func residencyAtMost(r mapping.Residency) *mapping.Assurance {
	return &mapping.Assurance{Identity: mapping.P4, Authenticator: mapping.Ch, Phishing: mapping.F1, Residency: r}
}

// identityAtLeast adds to the identity alone.
func identityAtLeast(i mapping.Identity) *mapping.Assurance { return &mapping.Assurance{Identity: i} }

// saying sets a claim in a token.
func saying(claim string, value any) func(*Provider, mapping.Claims) {
	return func(_ *Provider, c mapping.Claims) { c[claim] = value }
}

// silent leaves a claim out.
func silent(claim string) func(*Provider, mapping.Claims) {
	return func(_ *Provider, c mapping.Claims) { delete(c, claim) }
}

// dated moves a time to so long from now.
func dated(claim string, by time.Duration) func(*Provider, mapping.Claims) {
	return func(p *Provider, c mapping.Claims) { c[claim] = p.now().Add(by).Unix() }
}

func ofSomebodyElse(p *Provider, c mapping.Claims) {
	c["sub"] = p.manner.subject(p.seed("somebody else"))
}
