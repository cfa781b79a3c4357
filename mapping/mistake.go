package mapping

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
)

// Mistake is an operator's mistake in an expression or in the name it is
// written under.
type Mistake struct {
	Path         string // claims.email, trust.email.when, release[2].value …; empty from CompileExpression
	Line, Column int    // within the expression, from 1; 0 when the whole is meant
	Message      string
	Suggest      string // what was probably meant in place of the offending word
}

// Error is the mistake in one line.
func (m *Mistake) Error() string {
	var b strings.Builder
	if m.Path != "" {
		b.WriteString(m.Path + ": ")
	}
	if m.Line > 0 {
		fmt.Fprintf(&b, "%d:%d: ", m.Line, m.Column)
	}
	b.WriteString(m.Message)
	if m.Suggest != "" {
		fmt.Fprintf(&b, " (did you mean %s?)", m.Suggest)
	}
	return b.String()
}

// compileMistake turns the first of CEL's errors into a Mistake.
func compileMistake(source, variable string, issues *cel.Issues) *Mistake {
	first := slices.MinFunc(issues.Errors(), func(a, b *cel.Error) int {
		return cmp.Or(cmp.Compare(a.Location.Line(), b.Location.Line()), cmp.Compare(a.Location.Column(), b.Location.Column()))
	})
	message, suggest := splitSuggestion(first.Message)
	m := &Mistake{
		Line:    max(first.Location.Line(), 1),
		Column:  max(first.Location.Column()+1, 1), // CEL counts columns from 0
		Message: plainWords(message),
		Suggest: suggest,
	}
	if name, ok := undeclared(message); ok {
		m.pointAt(name, source, variable)
	}
	return m
}

// splitSuggestion takes CEL's own did-you-mean off its message: the first name
// of "(did you mean 'a' or 'b'?)".
func splitSuggestion(message string) (rest, suggest string) {
	rest, hint, _ := strings.Cut(message, " (did you mean '")
	suggest, _, _ = strings.Cut(hint, "'")
	return rest, suggest
}

// undeclared returns the name that an error says is not known.
func undeclared(message string) (string, bool) {
	name, ok := strings.CutPrefix(message, "undeclared reference to '")
	if !ok {
		return "", false
	}
	return strings.TrimSuffix(name, "'"), true
}

// pointAt moves the mistake to where an undeclared name starts, as CEL reports a
// function at its parenthesis, and suggests the variable where it was forgotten
// or miscalled and CEL knew nothing nearer.
func (m *Mistake) pointAt(name, source, variable string) {
	lines := strings.Split(source, "\n")
	if m.Line > len(lines) {
		return
	}
	line := []rune(lines[m.Line-1])
	at := min(m.Column-1, len(line))
	if strings.HasSuffix(string(line[:at]), name) {
		m.Column -= len([]rune(name))
		return
	}
	after, _ := strings.CutPrefix(string(line[at:]), name)
	switch {
	case m.Suggest != "":
	case strings.HasPrefix(after, ".") || strings.HasPrefix(after, "["):
		m.Suggest = variable
	default:
		m.Suggest = variable + "." + name
	}
}

// plainWords puts the parser's words into an operator's.
func plainWords(message string) string {
	message, _, _ = strings.Cut(message, " expecting ")
	return strings.NewReplacer(
		"Syntax error: ", "syntax error: ",
		"mismatched input '<EOF>'", "the expression ends too early",
		"no viable alternative at input", "unexpected",
		"token recognition error at:", "unexpected",
		"extraneous input", "unexpected",
		"mismatched input", "unexpected",
		"'<EOF>'", "the end",
		"found no matching overload for ", "",
		" applied to ", " cannot be applied to ",
	).Replace(message)
}
