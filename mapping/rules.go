package mapping

// STUB: signatures agreed; implementation follows.

// RuleSource is what the operator wrote about one connector.
type RuleSource struct {
	Claims   map[string]string // standard claim to CEL over claims
	Verified []string          // claims this provider vouches for
	Email    EmailPolicy
}

// EmailPolicy says when an e-mail address counts as verified.
type EmailPolicy struct {
	Policy string // trust, claim, conditional or never
	When   string // CEL, for conditional
}

// Mistake is an operator's mistake in an expression.
type Mistake struct {
	Path         string // claims.email, trust.email.when, release[2].value …
	Line, Column int    // within the expression, from 1; 0 when the whole is meant
	Message      string
	Suggest      string
}

// Rules turn a provider's claims into a Statement.
type Rules struct{}

func CompileRules(src RuleSource) (*Rules, []Mistake) { panic("stub") }

func (r *Rules) Apply(said Claims) Statement { panic("stub") }

// ReleaseRule is one claim an app may see.
type ReleaseRule struct{ As, Value string }

// Release decides what an app sees.
type Release struct{}

func CompileRelease(rules []ReleaseRule) (*Release, []Mistake) { panic("stub") }

// Apply returns what an app that was granted scopes sees of claims. sub is not part of it.
func (r *Release) Apply(known Claims, scopes []string) Claims { panic("stub") }

// Expression is one compiled CEL expression over one variable.
type Expression struct{}

func CompileExpression(variable, source string) (*Expression, *Mistake) { panic("stub") }

// Eval returns the value as Go's JSON would hold it.
func (e *Expression) Eval(value any) (any, error) { panic("stub") }

// Pairwise derives the subject identifier of an account for a sector
// (OpenID Connect Core §8.1) from the account's own random key.
func Pairwise(key []byte, sector string) string { panic("stub") }
