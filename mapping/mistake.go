package mapping

import (
	"fmt"
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

// Error makes a mistake fit where configuration that was checked at load
// turns out to be wrong after all.
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
	first := issues.Errors()[0]
	for _, e := range issues.Errors()[1:] {
		if e.Location.Line() < first.Location.Line() ||
			e.Location.Line() == first.Location.Line() && e.Location.Column() < first.Location.Column() {
			first = e
		}
	}
	message, suggest := splitSuggestion(first.Message)
	m := &Mistake{
		Line:    max(first.Location.Line(), 0),
		Column:  first.Location.Column() + 1, // CEL counts columns from 0
		Message: plainWords.Replace(message),
		Suggest: suggest,
	}
	if name, ok := undeclared(message); ok {
		m.Column -= offsetOfCall(source, m, name)
		if _, standard := lookup(name); standard && suggest == "" {
			m.Suggest = variable + "." + name
		}
	}
	return m
}

// splitSuggestion takes CEL's own did-you-mean off its message. What it would
// suggest from a library that is not part of our dialect is no help.
func splitSuggestion(message string) (rest, suggest string) {
	rest, _, _ = strings.Cut(message, " (enable with")
	rest, hint, _ := strings.Cut(rest, " (did you mean '")
	if strings.Contains(hint, "enable with") {
		return rest, ""
	}
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

// offsetOfCall returns how far to the left of m the name starts: CEL reports an
// unknown function at its opening parenthesis.
func offsetOfCall(source string, m *Mistake, name string) int {
	lines := strings.Split(source, "\n")
	if m.Line < 1 || m.Line > len(lines) {
		return 0
	}
	line := []rune(lines[m.Line-1])
	if m.Column-1 > len(line) || !strings.HasSuffix(string(line[:m.Column-1]), name) {
		return 0
	}
	return len([]rune(name))
}

// plainWords puts the parser's words into an operator's.
var plainWords = strings.NewReplacer(
	"Syntax error: ", "syntax error: ",
	"mismatched input '<EOF>'", "the expression ends too early",
	"no viable alternative at input", "unexpected",
	"token recognition error at:", "unexpected",
	"extraneous input", "unexpected",
	"mismatched input", "unexpected",
	"'<EOF>'", "the end",
	", NUM_FLOAT, NUM_INT, NUM_UINT, STRING, BYTES, IDENTIFIER}", " or a value}",
)
