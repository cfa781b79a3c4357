package mapping

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
)

// A component of assurance has levels, ascending.
type component struct {
	name   string
	levels []string
}

// components are the four, in the order of the vector.
var components = [...]component{
	{"identity", []string{"P0", "P1", "P2", "P3", "P4"}},
	{"authenticator", []string{"C0", "Cl", "Cm", "Ch"}},
	{"phishing", []string{"F0", "F1"}},
	{"residency", []string{"R0", "R1", "R2", "R3"}},
}

// A level is what a provider proves in one component of assurance: always the
// same, or what the values in one of its documents mean.
type level struct {
	always Assurance
	from   string
	value  *Expression // nil where it is always the same
	means  map[string]Assurance
}

// texts are what the values of a level come in, as vot (RFC 8485 §3.1) and amr
// (OpenID Connect Core §2) do.
var texts = kind{words: "text or a list of texts", from: []cel.Kind{cel.StringKind, cel.ListKind}}

// levels compiles what was written of the components of assurance.
func (s *ruleSet) levels(src map[string]Level) []level {
	var names []string
	var levels []level
	for _, c := range components {
		names = append(names, c.name)
		if l, ok := src[c.name]; ok {
			levels = append(levels, s.level("levels."+c.name, c, l))
		}
	}
	for _, name := range slices.Sorted(maps.Keys(src)) {
		if !slices.Contains(names, name) {
			s.note("levels."+name, &Mistake{
				Message: name + " is no component of assurance: " + strings.Join(names, ", "), Suggest: nearest(name, names),
			})
		}
	}
	return levels
}

// level compiles one. It is of use only where no mistake was found.
func (s *ruleSet) level(path string, c component, src Level) level {
	if src.Always != "" {
		if src.From != "" || src.Value != "" || len(src.Map) > 0 {
			s.note(path, &Mistake{Message: "the level is always the same, or follows from a value: not both"})
		}
		return level{always: s.letter(path+".always", c, src.Always)}
	}
	if src.From == "" {
		s.note(path, &Mistake{Message: "needs always, or from, value and map"})
		return level{}
	}
	if src.Value == "" {
		s.note(path+".value", &Mistake{Message: "is missing: where in " + src.From + " is the level?"})
		return level{}
	}
	if len(src.Map) == 0 {
		s.note(path+".map", &Mistake{Message: "is missing: no value means anything without it"})
	}
	if _, ok := src.Map[""]; ok {
		s.note(path+".map", &Mistake{Message: "gives a level to an empty value: nothing said is never a level"})
	}
	l := level{from: src.From, value: s.expression(path+".value", texts, src.Value), means: map[string]Assurance{}}
	for _, value := range slices.Sorted(maps.Keys(src.Map)) {
		l.means[value] = s.letter(path+".map."+value, c, src.Map[value])
	}
	return l
}

// letter reads a level of one component.
func (s *ruleSet) letter(path string, c component, text string) Assurance {
	if !slices.Contains(c.levels, text) {
		m := &Mistake{Message: fmt.Sprintf("%q is no level of %s: %s", text, c.name, strings.Join(c.levels, ", "))}
		if i := slices.IndexFunc(c.levels, func(l string) bool { return strings.EqualFold(l, text) }); i >= 0 {
			m.Suggest = c.levels[i]
		}
		s.note(path, m)
		return Assurance{}
	}
	a, _ := parseComponent(text)
	return a
}

// Assess is how sure the provider is of a sign-in, by what it signed: translated
// by the rules, and then no more than the cap. It never fails: what is missing,
// of another type or not in the table is the least level, never a default.
func (r *Rules) Assess(said Signed) Assurance {
	var a Assurance
	for _, l := range r.levels {
		a = a.Join(l.in(said))
	}
	return a.Meet(r.cap)
}

// Reach is the most that Assess can come to, whatever the provider signs.
func (r *Rules) Reach() Assurance {
	var a Assurance
	for _, l := range r.levels {
		a = a.Join(l.always)
		for _, meant := range l.means {
			a = a.Join(meant)
		}
	}
	return a.Meet(r.cap)
}

// in is what the documents prove of the component. Of several values each
// counts (RFC 8485 §3.1: a component may be there more than once).
func (l level) in(said Signed) Assurance {
	if l.value == nil {
		return l.always
	}
	claims, signed := said[l.from]
	if !signed {
		return Assurance{} // not even an expression that is true of nothing
	}
	v, err := l.value.Eval(claims)
	if err != nil {
		return Assurance{}
	}
	values, ok := v.([]any)
	if !ok {
		values = []any{v}
	}
	var a Assurance
	for _, value := range values {
		text, _ := value.(string) // "" means nothing
		a = a.Join(l.means[text])
	}
	return a
}
