package mapping

import (
	"fmt"

	"cel.dev/cel-go/cel"
)

// A rule gives one claim.
type rule struct {
	standardClaim
	expression *Expression
}

func (r rule) value(b binding) (any, error) {
	v, err := r.expression.eval(b)
	if err != nil {
		return nil, err
	}
	return r.kind.value(v)
}

// A ruleSet compiles rules over claims and collects their mistakes.
type ruleSet struct {
	compiler
	mistakes []Mistake
}

func newRuleSet() *ruleSet { return &ruleSet{compiler: over("claims")} }

// note keeps a mistake, if there is one.
func (s *ruleSet) note(path string, m *Mistake) {
	if m != nil {
		m.Path = path
		s.mistakes = append(s.mistakes, *m)
	}
}

// rule compiles what gives the claim called name. The rule is of use only
// where no mistake was found.
func (s *ruleSet) rule(path, name, source string) rule {
	claim, _ := lookup(name)
	return rule{claim, s.expression(path, claim.kind, source)}
}

// expression compiles one that must give a kind of value.
func (s *ruleSet) expression(path string, k kind, source string) *Expression {
	e, m := s.compile(source)
	if m == nil && !k.fits(e.gives) {
		m = &Mistake{Message: fmt.Sprintf("gives %s where %s is needed", cel.FormatCELType(e.gives), k.words)}
	}
	s.note(path, m)
	return e
}
