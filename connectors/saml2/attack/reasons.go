package attack

import (
	"go/ast"
	"go/parser"
	"go/token"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Reasons lists what the errors made in Go files say: the source of each and
// the pattern that its text fits. With them a test can tell that there is a
// document for every reason to refuse one.
func Reasons(tb testing.TB, files ...string) map[string]*regexp.Regexp {
	tb.Helper()
	found := map[string]*regexp.Regexp{}
	for _, name := range files {
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.SkipObjectResolution)
		if err != nil {
			tb.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && makesError(call) {
				words := spell(call.Args[0])
				found[strings.Join(words, "…")] = pattern(words)
			}
			return true
		})
	}
	return found
}

func makesError(call *ast.CallExpr) bool {
	f, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || len(call.Args) == 0 {
		return false
	}
	from, ok := f.X.(*ast.Ident)
	return ok && (from.Name == "errors" && f.Sel.Name == "New" || from.Name == "fmt" && f.Sel.Name == "Errorf")
}

// spell is a text's constant parts: around what is formatted in, and around
// what is added with +.
func spell(e ast.Expr) []string {
	switch x := e.(type) {
	case *ast.BasicLit:
		if s, err := strconv.Unquote(x.Value); err == nil {
			return regexp.MustCompile(`%[a-z]`).Split(s, -1)
		}
	case *ast.BinaryExpr:
		left, right := spell(x.X), spell(x.Y)
		last := len(left) - 1
		return append(append(left[:last:last], left[last]+right[0]), right[1:]...)
	}
	return []string{"", ""}
}

// pattern fits an error that says just this, or adds it to where it came from.
func pattern(words []string) *regexp.Regexp {
	for i, w := range words {
		words[i] = regexp.QuoteMeta(w)
	}
	return regexp.MustCompile(`(?s)(^|: )` + strings.Join(words, ".+") + `$`)
}
