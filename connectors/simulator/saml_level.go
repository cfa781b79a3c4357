package simulator

import (
	"slices"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// worth is what the connector makes of a class. The simulator goes by it, so
// that who reaches what is said in the preset alone.
func (s *samlProvider) worth(class string) mapping.Assurance {
	return s.rules.Assess(mapping.Signed{"context": {"class": class}})
}

// signsInBy is the class by which somebody signs in: of those asked for, the
// first that they can meet. Where none is asked for it is a password.
func (p *Provider) signsInBy(asked []string, someone Persona) (class string, met bool) {
	if len(asked) == 0 {
		return password, true
	}
	i := slices.IndexFunc(asked, func(class string) bool { return someone.Reaches.AtLeast(p.saml.worth(class)) })
	if i < 0 {
		return asked[0], false
	}
	return asked[i], true
}

// asksFor reports whether the connector asks for just these classes, in one of
// its steps.
func (p *Provider) asksFor(classes []string) bool {
	if len(p.cfg.Ask) == 0 {
		return slices.Equal(classes, p.terms.saml.Request.Contexts)
	}
	for _, ask := range p.cfg.Ask {
		wanted := ask.Contexts
		if len(wanted) == 0 {
			wanted = p.terms.saml.Request.Contexts
		}
		if slices.Equal(classes, wanted) {
			return true
		}
	}
	return false
}

// neighbour is the class of the step so many above that of class; class itself
// where there is none.
func (p *Provider) neighbour(class string, above int) string {
	steps := []string{password}
	for _, ask := range p.cfg.Ask {
		if len(ask.Contexts) > 0 && ask.Contexts[0] != password {
			steps = append(steps, ask.Contexts[0])
		}
	}
	i := slices.Index(steps, class)
	if i < 0 || i+above < 0 || i+above >= len(steps) {
		return class
	}
	return steps[i+above]
}

// contextFaults are those of the authentication context, at a provider that is
// asked for one by this comparison; "" at one that is asked for none.
func contextFaults(comparison string) []Fault {
	faults := []Fault{
		{
			ID: "level-missing", Title: "No authentication context", Artefact: Level, Expect: connectors.Unmet,
			draft: func(_ *Provider, d *draft) { d.statement.Context = "" },
		},
		{
			ID: "level-unknown", Title: "An authentication context that nobody knows", Artefact: Level, Expect: connectors.Unmet,
			draft: func(_ *Provider, d *draft) { d.statement.Context = "urn:example:unknown" },
		},
	}
	if comparison == "" {
		for i := range faults {
			faults[i].Expect, faults[i].AtMost = "", authenticatorAtMost(mapping.C0)
		}
		return faults
	}
	lower := Fault{
		ID: "level-lower", Title: "A lower level than was asked for", Artefact: Level, Expect: connectors.Unmet,
		draft: func(p *Provider, d *draft) { d.statement.Context = p.neighbour(d.statement.Context, -1) },
	}
	higher := Fault{
		ID: "level-higher", Title: "A higher level than was asked for", Artefact: Level, Expect: connectors.Unmet,
		draft: func(p *Provider, d *draft) { d.statement.Context = p.neighbour(d.statement.Context, 1) },
	}
	if comparison == "exact" {
		return append(faults, lower, higher)
	}
	// Whether a class that nobody knows is enough is the provider's to judge
	// (Core §3.3.2.2.1). It is worth nothing all the same.
	faults[1].Expect, faults[1].AtMost = "", &mapping.Assurance{}
	higher.Expect = ""
	return append(faults, lower, higher)
}

// answers is the fault of a provider that says why it does not sign somebody in.
func answers(id, title string, expect connectors.Outcome, s message.Status) Fault {
	return Fault{ID: id, Title: title, Artefact: Callback, Expect: expect, draft: statusDraft(s)}
}
