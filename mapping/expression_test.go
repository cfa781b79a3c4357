package mapping_test

import (
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/mapping"
)

func compile(t testing.TB, source string) *mapping.Expression {
	t.Helper()
	e, mistake := mapping.CompileExpression("claims", source)
	if mistake != nil {
		t.Fatalf("%s: %v", source, mistake)
	}
	return e
}

func TestEval(t *testing.T) {
	claims := mapping.Claims{
		"email":    "Ailsa@Example.com",
		"id":       float64(1<<53 - 1),
		"half":     1.5,
		"number":   json.Number("9007199254740991"),
		"decimal":  json.Number("1.5"),
		"whole":    json.Number("3.0"),
		"nothing":  nil,
		"list":     []any{"a", json.Number("2"), nil},
		"object":   map[string]any{"in": map[string]any{"deep": true}},
		"nested":   mapping.Claims{"a": "b"},
		"https://": "url",
	}
	for _, test := range []struct {
		source string
		want   any
	}{
		{`claims.email`, "Ailsa@Example.com"},
		{`claims.email.lowerAscii()`, "ailsa@example.com"},
		{`claims["https://"]`, "url"},
		{`claims.nothing`, nil},
		{`claims.id`, float64(1<<53 - 1)},
		{`string(int(claims.id))`, "9007199254740991"},
		{`string(claims.number)`, "9007199254740991"},
		{`claims.number`, float64(1<<53 - 1)},
		{`claims.decimal`, 1.5},
		{`string(int(claims.whole))`, "3"},
		{`string(12345678.0)`, "1.2345678e+07"}, // why whole numbers go through int()
		{`claims.id == claims.number`, true},
		{`claims.half >= 1`, true},
		{`7u`, 7.0},
		{`claims.list`, []any{"a", 2.0, nil}},
		{`claims.object`, map[string]any{"in": map[string]any{"deep": true}}},
		{`claims.nested`, map[string]any{"a": "b"}},
		{`claims.nested.a`, "b"},
		{`claims.list.filter(x, x != null)`, []any{"a", 2.0}},
		{`[]`, []any{}},
		{`{"a": [claims.half]}`, map[string]any{"a": []any{1.5}}},
		{`claims.?email`, "Ailsa@Example.com"},
		{`claims.?absent`, nil},
		{`claims.?absent.orValue("none")`, "none"},
		{`has(claims.absent)`, false},
		{`"email" in claims`, true},
		{`"a,b".split(",")`, []any{"a", "b"}},
		{`["a", "b"].join(" ")`, "a b"},
		{`"abc".substring(1)`, "bc"},
		{`" a ".trim()`, "a"},
	} {
		got, err := compile(t, test.source).Eval(claims)
		if err != nil {
			t.Errorf("%s: %v", test.source, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.source, diff)
		}
	}
}

func TestEvalAbsent(t *testing.T) {
	claims := mapping.Claims{"list": []any{"a"}, "empty": []any{}, "nothing": nil, "text": "t"}
	for _, source := range []string{
		`claims.absent`,
		`claims.absent.deeper`,
		`claims["absent"]`,
		`claims.nothing.deeper`,
		`claims.text.deeper`,
		`claims.list[1]`,
		`claims.empty[0]`,
		`claims.list.filter(x, x == "b")[0]`,
		`claims.list.map(x, x + x)[1]`,
		`claims.absent.filter(x, x == "b")[0]`,
		`{"a": claims.absent}`,
		`(claims.list + claims.empty)[5]`,
	} {
		if got, err := compile(t, source).Eval(claims); !errors.Is(err, mapping.ErrAbsent) {
			t.Errorf("%s: got %v and error %v, want ErrAbsent", source, got, err)
		}
	}
}

// Claims never reach a log, and errors do.
func TestEvalErrorsCarryNoClaims(t *testing.T) {
	claims := mapping.Claims{"email": "ailsa", "list": []any{"ailsa"}, "table": map[string]any{}}
	for _, source := range []string{
		`int(claims.email)`,
		`timestamp(claims.email)`,
		`claims.list[claims.email]`,
		`claims.table[claims.email]`,
		`claims.email + 1`,
		`claims.email.substring(9)`,
		`claims.email.matches("(" + claims.email)`,
		`duration(claims.email)`,
	} {
		_, err := compile(t, source).Eval(claims)
		if err == nil || strings.Contains(err.Error(), "ailsa") {
			t.Errorf("%s: got error %v, want one that does not quote the claim", source, err)
		}
	}
}

func TestEvalRefusesWhatJSONCannotHold(t *testing.T) {
	claims := mapping.Claims{
		"big":   json.Number("9007199254740993"),
		"small": json.Number("-9007199254740993"),
		"zero":  0.0,
	}
	for _, source := range []string{
		`claims.big`, // as float64 it would be another person's number
		`claims.small`,
		`18446744073709551615u`,
		`1.0 / claims.zero`,
		`0.0 / claims.zero`,
		`b"abc"`,
		`timestamp("2026-08-01T10:00:00Z")`,
		`duration("1s")`,
		`type(claims)`,
		`{1: "a"}`,
		`[b"abc"]`,
		`{"a": b"abc"}`,
	} {
		if got, err := compile(t, source).Eval(claims); err == nil {
			t.Errorf("%s: got %v, want an error", source, got)
		}
	}
	if got, err := compile(t, `string(claims.big)`).Eval(claims); got != "9007199254740993" {
		t.Errorf("as text: got %v and error %v, want every digit", got, err)
	}
}

func TestEvalIsBounded(t *testing.T) {
	list := make([]any, 1000)
	for i := range list {
		list[i] = strings.Repeat("a", 100)
	}
	e := compile(t, `claims.list.map(a, claims.list.map(b, a + b))`)
	if _, err := e.Eval(mapping.Claims{"list": list}); err == nil {
		t.Error("a million concatenations were allowed")
	}
	e = compile(t, `claims.list.filter(a, a.endsWith("b"))`)
	if _, err := e.Eval(mapping.Claims{"list": list}); err != nil {
		t.Errorf("a thousand comparisons: %v", err)
	}
}

func TestEvalSharesNothing(t *testing.T) {
	inner := map[string]any{"a": "b"}
	got, err := compile(t, `claims.inner`).Eval(mapping.Claims{"inner": inner})
	if err != nil {
		t.Fatal(err)
	}
	got.(map[string]any)["a"] = "changed"
	if inner["a"] != "b" {
		t.Error("the result shares its map with the claims")
	}
}

func TestEvalConcurrently(t *testing.T) {
	e := compile(t, `claims.list.map(x, x + "!").join(" ")`)
	claims := mapping.Claims{"list": []any{"a", "b"}}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if got, err := e.Eval(claims); got != "a! b!" {
					t.Errorf("got %v and error %v", got, err)
				}
			}
		})
	}
	wg.Wait()
}

func TestCompileExpressionOverPerson(t *testing.T) {
	e, mistake := mapping.CompileExpression("person", `{"first_name": person.given_name}`)
	if mistake != nil {
		t.Fatal(mistake)
	}
	got, err := e.Eval(mapping.Claims{"given_name": "Ailsa"})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"first_name": "Ailsa"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}

	_, mistake = mapping.CompileExpression("person", "claims.given_name")
	want := &mapping.Mistake{Line: 1, Column: 1, Message: "undeclared reference to 'claims'", Suggest: "person"}
	if diff := cmp.Diff(want, mistake); diff != "" {
		t.Errorf("mistake -want +got\n%s", diff)
	}
}
