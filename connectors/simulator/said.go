package simulator

import (
	"errors"
	"fmt"
	"maps"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// tongue puts a persona into the provider's own words: the preset's
// simulator section, compiled.
type tongue struct {
	claims map[string]*mapping.Expression // nil: the standard claims as they are
	calls  map[string]*mapping.Expression
}

func tongueOf(s *config.Simulator) (tongue, error) {
	if s == nil {
		return tongue{}, nil
	}
	claims, err := compile("claims", s.Claims)
	if err != nil {
		return tongue{}, err
	}
	calls, err := compile("calls", s.Calls)
	return tongue{claims: claims, calls: calls}, err
}

func compile(section string, sources map[string]string) (map[string]*mapping.Expression, error) {
	if sources == nil {
		return nil, nil
	}
	compiled := make(map[string]*mapping.Expression, len(sources))
	for name, source := range sources {
		expression, mistake := mapping.CompileExpression("person", source)
		if mistake != nil {
			return nil, fmt.Errorf("simulator.%s.%s: %w", section, name, mistake)
		}
		compiled[name] = expression
	}
	return compiled, nil
}

// said is what the provider says of the person of a grant to who was granted
// scope.
func (p *Provider) said(g *grant, scope string) mapping.Claims {
	said := p.speak(p.personOf(g))
	maps.DeleteFunc(said, func(claim string, _ any) bool { return !p.manner.shows(claim, scope) })
	if g.fault.said != nil {
		g.fault.said(said)
	}
	return said
}

// personOf is a copy of the persona of a grant, in standard claims.
func (p *Provider) personOf(g *grant) mapping.Claims {
	person := maps.Clone(g.persona.Person)
	if g.fault.person != nil {
		g.fault.person(p, person)
	}
	return person
}

// speak puts a person into the provider's words. What the person does not
// have is left out.
func (p *Provider) speak(person mapping.Claims) mapping.Claims {
	if p.tongue.claims == nil {
		return person
	}
	said := make(mapping.Claims, len(p.tongue.claims))
	for name, expression := range p.tongue.claims {
		value, err := expression.Eval(person)
		switch {
		case err == nil:
			said[name] = value
		case !errors.Is(err, mapping.ErrAbsent):
			p.log.Warn("cannot say a claim", "provider", p.name, "claim", name, "error", err)
		}
	}
	return said
}
