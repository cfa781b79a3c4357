package config

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// Problem is one mistake or risk in the operator's folder.
type Problem struct {
	File    string // relative to the folder; presets/NAME.yaml for a preset
	Line    int    // from 1; 0 where the whole file is meant
	Column  int    // from 1
	Path    string // the key, as in oidc.redirect_uris[0]
	Message string // what is wrong and what to do
	Source  string // the offending line, secrets blotted out
	Suggest string // the key or value that was probably meant
	Warning bool   // allowed, but risky
}

// String writes the problem as compilers do: FILE:LINE:COLUMN: message.
func (p Problem) String() string {
	var b strings.Builder
	b.WriteString(p.File)
	if p.Line > 0 {
		fmt.Fprintf(&b, ":%d:%d", p.Line, p.Column)
	}
	b.WriteString(": ")
	if p.Warning {
		b.WriteString("warning: ")
	}
	b.WriteString(p.Message)
	if p.Suggest != "" {
		fmt.Fprintf(&b, "; did you mean %q?", p.Suggest)
	}
	return b.String()
}

// Excerpt shows the offending line, and a caret below the place; "" where the
// whole file is meant.
func (p Problem) Excerpt() string {
	if p.Source == "" {
		return ""
	}
	indent := []rune(before(p.Source, p.Column))
	for i, r := range indent {
		if r != '\t' { // a tab is as wide above as below
			indent[i] = ' '
		}
	}
	return p.Source + "\n" + string(indent) + "^\n"
}

// Problems are everything that was found in a folder. As an error they hold
// at least one mistake.
type Problems []Problem

// Error lists the problems, one a line.
func (ps Problems) Error() string {
	lines := make([]string, len(ps))
	for i, p := range ps {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// Mistakes counts the problems that are more than a warning.
func (ps Problems) Mistakes() int {
	n := 0
	for _, p := range ps {
		if !p.Warning {
			n++
		}
	}
	return n
}

// tidy puts the problems in reading order and drops repetitions: two
// connectors of one preset find its mistakes twice.
func (ps Problems) tidy() Problems {
	slices.SortStableFunc(ps, func(a, b Problem) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File),
			cmp.Compare(a.Line, b.Line),
			cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Message, b.Message))
	})
	return slices.Compact(ps)
}

// secretKey is a key that sounds like a secret's, up to its value.
var secretKey = regexp.MustCompile(`(?i)((secret|password|_key|postgres)\w*|\bkey)["']?\s*:\s*["']?`)

// harmless is a value that is no secret: yes, no, or the name of a key's file.
var harmless = regexp.MustCompile(`^(true|false|[\w./-]+\.(pem|key))["']?\s*([,}]|$)`)

// longRun is what the body of a PEM key looks like, or an address, which may
// look so too: SAML's names of attributes do.
var longRun = regexp.MustCompile(`https?://[^\s"']+|[A-Za-z0-9+/]{40,}=*`)

// blot removes what may be a secret from a line of the operator's file.
func blot(line string) string {
	for from := 0; ; {
		key := secretKey.FindStringIndex(line[from:])
		if key == nil {
			return longRun.ReplaceAllStringFunc(line, func(run string) string {
				if strings.Contains(run, "://") {
					return run
				}
				return redacted
			})
		}
		from += key[1]
		if value := line[from:]; value != "" && !isReference(value) && !harmless.MatchString(value) && !strings.ContainsAny(value[:1], "|>") {
			return line[:from] + redacted
		}
	}
}

// before returns the part of a line to the left of a column.
func before(line string, column int) string {
	r := []rune(line)
	return string(r[:max(min(column-1, len(r)), 0)])
}
