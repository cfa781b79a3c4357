package connectors

import (
	"maps"
	"slices"

	"github.com/councilid/councilid/config"
)

// step is one way of asking a provider: one of config.Connector.Ask on top of
// the connector's own settings.
type step struct {
	name   string
	scopes []string
	params map[string]string
	calls  []string // names, sorted
}

// stepsOf are the ways in which a provider can be asked. There is always one.
func stepsOf(settings config.OIDC, asks []config.Ask) []step {
	if len(asks) == 0 {
		asks = []config.Ask{{}}
	}
	var steps []step
	for _, ask := range asks {
		steps = append(steps, stepOf(settings, ask, asks))
	}
	return steps
}

func stepOf(settings config.OIDC, ask config.Ask, asks []config.Ask) step {
	s := step{name: ask.Step, scopes: settings.Scopes, params: map[string]string{}}
	if len(ask.Scopes) > 0 {
		s.scopes = ask.Scopes
	}
	if !slices.Contains(s.scopes, "openid") { // Core §3.1.2.1
		s.scopes = append([]string{"openid"}, s.scopes...)
	}
	maps.Copy(s.params, settings.Params)
	maps.Copy(s.params, ask.Params)
	for _, name := range slices.Sorted(maps.Keys(settings.Calls)) {
		if !listed(asks, name) || slices.Contains(ask.Calls, name) {
			s.calls = append(s.calls, name)
		}
	}
	return s
}

// listed reports whether a call belongs to some steps and not to all.
func listed(asks []config.Ask, call string) bool {
	return slices.ContainsFunc(asks, func(ask config.Ask) bool { return slices.Contains(ask.Calls, call) })
}

// step is the way of asking called name. One that nobody knows, as after a
// change of the configuration, is the first: what is proved is read from the
// answer in any case.
func (c *oidcConnector) step(name string) step {
	for _, s := range c.steps {
		if s.name == name {
			return s
		}
	}
	return c.steps[0]
}
