package mapping

import (
	"errors"
	"fmt"
	"strings"
	"sync"

	"cel.dev/cel-go/cel"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"
)

// costLimit bounds one evaluation, in CEL's units: reading a field costs 1, a
// step of a comprehension a few, work on text a tenth per character. A rule of
// a preset costs under a hundred; a list of a thousand dated addresses under
// ten thousand.
const costLimit = 100_000

// ErrAbsent is the error of an expression that met a claim which is not there,
// or a list shorter than the place it asked for.
var ErrAbsent = errors.New("no such claim")

// Expression is one compiled CEL expression over one variable. It may be
// evaluated by many goroutines at once.
type Expression struct {
	variable string
	program  cel.Program
	gives    *cel.Type
}

// CompileExpression compiles source, in which variable stands for the value
// that Eval will be given. The mistake, if any, has no Path.
func CompileExpression(variable, source string) (*Expression, *Mistake) {
	return over(variable).compile(source)
}

// A compiler compiles expressions over one variable.
type compiler struct {
	variable string
	env      *cel.Env
}

// over makes the compiler for a variable. A set of rules makes one and shares
// it. The variable's name comes from the program, never from an operator, so
// that it is well formed is not in question.
func over(variable string) compiler {
	env, err := dialect().Extend(cel.Variable(variable, cel.DynType))
	if err != nil {
		panic(err)
	}
	return compiler{variable, env}
}

// dialect is our CEL without a variable. It is built at its first use, as it
// costs half a millisecond, and never changes.
var dialect = sync.OnceValue(func() *cel.Env {
	env, err := cel.NewEnv(ext.Strings(), cel.OptionalTypes())
	if err != nil {
		panic(err)
	}
	return env
})

func (c compiler) compile(source string) (*Expression, *Mistake) {
	ast, issues := c.env.Compile(source)
	if issues.Err() != nil {
		return nil, compileMistake(source, c.variable, issues)
	}
	if cost, err := c.env.EstimateCost(ast, nil); err == nil && cost.Min > costLimit {
		return nil, &Mistake{Message: fmt.Sprintf("the expression costs at least %d steps, the limit is %d", cost.Min, costLimit)}
	}
	// Optimizing evaluates what is constant, so that a bad regular expression
	// is a mistake here and not in somebody's sign-in.
	program, err := c.env.Program(ast, cel.EvalOptions(cel.OptOptimize), cel.CostLimit(costLimit))
	if err != nil {
		return nil, &Mistake{Message: err.Error()}
	}
	return &Expression{c.variable, program, ast.OutputType()}, nil
}

// Eval evaluates the expression on value and returns what encoding/json would
// have made of the result: nil, bool, string, float64, []any or
// map[string]any, sharing nothing with value. Numbers of any kind become
// float64; a whole number that float64 cannot hold exactly is an error, as it
// might be somebody's identifier.
//
// The error is ErrAbsent where a claim is missing. No error carries any part
// of value, so it may be logged.
func (e *Expression) Eval(value any) (any, error) {
	return e.eval(bind(e.variable, value))
}

func (e *Expression) eval(b binding) (any, error) {
	result, _, err := e.program.Eval(b)
	if err != nil {
		return nil, withoutValues(err)
	}
	return plain(result)
}

// withoutValues replaces CEL's error, whose text may quote a claim. CEL has no
// error values of its own for what is absent, only these words.
func withoutValues(err error) error {
	for _, absent := range []string{"no such key", "index out of bounds", "index '"} {
		if strings.HasPrefix(err.Error(), absent) {
			return ErrAbsent
		}
	}
	if strings.Contains(err.Error(), "cost limit exceeded") {
		return errors.New("the expression costs too much on this value")
	}
	return errors.New("the expression cannot be evaluated on this value")
}

// A binding gives an expression its one variable.
type binding struct {
	name  string
	value any
}

// bind converts the value to CEL once, for all expressions that will read it.
func bind(name string, value any) binding {
	if claims, ok := value.(Claims); ok {
		value = map[string]any(claims)
	}
	return binding{name, types.DefaultTypeAdapter.NativeToValue(value)}
}

// ResolveName implements cel.Activation.
func (b binding) ResolveName(name string) (any, bool) { return b.value, name == b.name }

// Parent implements cel.Activation.
func (b binding) Parent() cel.Activation { return nil }
