package config

import (
	"fmt"
	"time"

	"github.com/councilid/councilid/mapping"
)

// report collects what is wrong with one described thing, and finds the place
// of each key: in the operator's file, or in the preset it starts from.
type report struct {
	own      *document
	preset   *document // nil without one
	settings *Broker   // broker.yaml, of everything but itself
	party    *party    // whom SAML is spoken with; nil where that is not known yet
	apps     []string  // the ids of all apps
	dir      string    // what files are relative to
	now      time.Time
	problems *Problems
}

// wrong reports a value. The message goes on from the key's name.
func (r report) wrong(path, format string, args ...any) {
	r.add(path, Problem{Message: leaf(path) + " " + fmt.Sprintf(format, args...)})
}

// unknown reports a value that names nothing known.
func (r report) unknown(path, message, word string, known []string) {
	r.add(path, Problem{Message: message, Suggest: nearest(word, known)})
}

// risky reports what is allowed and dangerous.
func (r report) risky(path, format string, args ...any) {
	r.add(path, Problem{Message: leaf(path) + " " + fmt.Sprintf(format, args...), Warning: true})
}

// require reports a key that is missing, at the block in the operator's file
// that it belongs to. One that was written, though wrongly, has its problem
// already.
func (r report) require(path string, present bool, why string) {
	if present || r.own.has(path) {
		return
	}
	line, column := r.own.position(path)
	p := r.own.problem(line, column, path+" is required"+why)
	p.Path = path
	*r.problems = append(*r.problems, *p)
}

// address holds an address to a check; one that is not there passes.
func (r report) address(path, s string, check func(string) string) {
	if s == "" {
		return
	}
	if wrong := check(s); wrong != "" {
		r.wrong(path, "%s", wrong)
	}
}

// positive holds a duration to being one.
func (r report) positive(path string, d time.Duration) {
	if d <= 0 {
		r.wrong(path, "must be more than 0")
	}
}

// inside reports an expression's mistakes at their place in the expression.
func (r report) inside(mistakes ...mapping.Mistake) {
	for _, m := range mistakes {
		doc := r.holder(m.Path)
		line, column := doc.inside(m.Path, m.Line, m.Column)
		p := doc.problem(line, column, leaf(m.Path)+": "+m.Message)
		p.Path, p.Suggest = m.Path, m.Suggest
		*r.problems = append(*r.problems, *p)
	}
}

func (r report) add(path string, p Problem) {
	doc := r.holder(path)
	line, column := doc.position(path)
	at := doc.problem(line, column, p.Message)
	p.File, p.Line, p.Column, p.Source, p.Path = at.File, at.Line, at.Column, at.Source, path
	*r.problems = append(*r.problems, p)
}

// holder returns the document that says what is at path; where neither does,
// the operator's.
func (r report) holder(path string) *document {
	if r.preset != nil && !r.own.has(path) && r.preset.has(path) {
		return r.preset
	}
	return r.own
}
