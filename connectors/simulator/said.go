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
	claims  words // nil: the standard claims as they are
	idToken words // nil: as claims
	nested  map[string]nestedWords
	calls   words
}

// words are expressions over person, by the name of what they say.
type words map[string]*mapping.Expression

// nestedWords say when there is a nested token, and what it says.
type nestedWords struct {
	when   *mapping.Expression // nil: always
	claims words
}

func tongueOf(s *config.Simulator) (t tongue, err error) {
	if s == nil {
		return t, nil
	}
	if t.claims, err = compile("claims", s.Claims); err != nil {
		return t, err
	}
	if t.idToken, err = compile("id_token", s.IDToken); err != nil {
		return t, err
	}
	if t.calls, err = compile("calls", s.Calls); err != nil {
		return t, err
	}
	t.nested = map[string]nestedWords{}
	for name, token := range s.Nested {
		if t.nested[name], err = compileNested("nested."+name, token); err != nil {
			return t, err
		}
	}
	return t, nil
}

func compileNested(section string, token config.SimulatedToken) (w nestedWords, err error) {
	if token.When != "" {
		when, err := compile(section, map[string]string{"when": token.When})
		if err != nil {
			return w, err
		}
		w.when = when["when"]
	}
	w.claims, err = compile(section+".claims", token.Claims)
	return w, err
}

func compile(section string, sources map[string]string) (words, error) {
	if sources == nil {
		return nil, nil
	}
	compiled := make(words, len(sources))
	for name, source := range sources {
		expression, mistake := mapping.CompileExpression("person", source)
		if mistake != nil {
			return nil, fmt.Errorf("simulator.%s.%s: %w", section, name, mistake)
		}
		compiled[name] = expression
	}
	return compiled, nil
}

// said is what the provider says of the person of a grant, wherever it does, to
// who was granted scope.
func (p *Provider) said(g *grant, person mapping.Claims, scope string) mapping.Claims {
	said := p.speak(person)
	maps.DeleteFunc(said, func(claim string, _ any) bool { return !p.manner.shows(claim, scope, g.claims) })
	if g.fault.said != nil {
		g.fault.said(said)
	}
	return said
}

// personOf is a copy of the persona of a grant, in standard claims, with the
// circumstances of the sign-in where the preset has words for them.
func (p *Provider) personOf(g *grant) mapping.Claims {
	person := maps.Clone(g.persona.Person)
	if g.fault.person != nil {
		g.fault.person(p, person)
	}
	if p.tongue.claims != nil {
		person["asked"], person["reached"], person["proved"] = g.asked, g.reached.said(), reach{Assurance: g.persona.Reaches}.said()
		person["since"], person["session"] = g.since.Unix(), g.session
	}
	return person
}

// speak puts a person into the provider's words. What the person does not
// have is left out.
func (p *Provider) speak(person mapping.Claims) mapping.Claims {
	if p.tongue.claims == nil {
		return claimsOfPerson(person)
	}
	return p.utter(p.tongue.claims, person)
}

func (p *Provider) utter(words words, person mapping.Claims) mapping.Claims {
	said := make(mapping.Claims, len(words))
	for name, expression := range words {
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
