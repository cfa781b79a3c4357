package mapping

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RuleSource is what the operator wrote about one connector.
type RuleSource struct {
	Claims   map[string]string // standard claim, or a name of the council's own, to CEL over claims
	Verified []string          // claims this provider vouches for
	Email    EmailPolicy
	Levels   map[string]Level // how sure the provider is, by component: identity, authenticator, phishing, residency
	Cap      Assurance        // what it is believed to prove at most
}

// Level says how one component of assurance follows from what a provider
// signed.
type Level struct {
	Always string            // the level of every sign-in; or
	From   string            // the signed document that says it,
	Value  string            // CEL over claims, which are those of that document, and
	Map    map[string]string // what its values mean
}

// EmailPolicy says when an e-mail address counts as verified.
type EmailPolicy struct {
	// Policy is one of
	//
	//	trust        yes, unless the provider's email_verified says no
	//	claim        yes where the provider's email_verified says so
	//	conditional  yes where When is true and email_verified does not say no
	//	never        no; the default
	Policy string
	When   string // CEL, for conditional
}

// Rules turn a provider's claims into a Statement. They may be used by many
// goroutines at once.
type Rules struct {
	rules    []rule
	verified []string // the claims that the provider vouches for unless a flag denies it, sorted
	policy   string
	when     *Expression // of policy conditional
	levels   []level
	cap      Assurance
}

// The flags are what the provider says about its own checks, under these names
// unless the operator maps them from others.
const (
	emailVerified = "email_verified"
	phoneVerified = "phone_number_verified"
)

// CompileRules compiles what an operator wrote. It returns all mistakes that
// there are; where there is one, the rules are nil.
func CompileRules(src RuleSource) (*Rules, []Mistake) {
	sources := map[string]string{emailVerified: "claims." + emailVerified, phoneVerified: "claims." + phoneVerified}
	maps.Copy(sources, src.Claims)

	set, r := newRuleSet(), &Rules{policy: src.Email.Policy, cap: src.Cap}
	for _, name := range slices.Sorted(maps.Keys(sources)) {
		set.note("claims."+name, checkName(name))
		r.rules = append(r.rules, set.rule("claims."+name, name, sources[name]))
	}
	for i, name := range src.Verified {
		set.note(fmt.Sprintf("trust.verified[%d]", i), checkVerified(name, src.Claims))
	}
	r.when = set.emailPolicy(src.Email)
	r.levels = set.levels(src.Levels)
	r.verified = slices.Compact(slices.Sorted(slices.Values(append([]string{"email"}, src.Verified...))))

	if len(set.mistakes) > 0 {
		return nil, set.mistakes
	}
	return r, nil
}

// checkVerified refuses to vouch for what is not mapped, and for what is
// decided elsewhere.
func checkVerified(name string, claims map[string]string) *Mistake {
	switch name {
	case "email", emailVerified:
		return &Mistake{Message: "whether e-mail addresses are verified is said by trust.email"}
	case phoneVerified:
		return &Mistake{Message: phoneVerified + " follows from phone_number", Suggest: "phone_number"}
	}
	if _, ok := claims[name]; !ok {
		return &Mistake{Message: name + " is not mapped under claims", Suggest: nearest(name, slices.Sorted(maps.Keys(claims)))}
	}
	return nil
}

// emailPolicy returns the condition of a conditional policy.
func (s *ruleSet) emailPolicy(p EmailPolicy) *Expression {
	policies := []string{"trust", "claim", "conditional", "never"}
	switch {
	case p.Policy != "" && !slices.Contains(policies, p.Policy):
		s.note("trust.email.policy", &Mistake{
			Message: "the policy is one of " + strings.Join(policies, ", "),
			Suggest: nearest(p.Policy, policies),
		})
	case p.Policy == "conditional" && p.When == "":
		s.note("trust.email.when", &Mistake{Message: "the policy conditional needs a condition"})
	case p.Policy == "conditional":
		return s.expression("trust.email.when", boolean, p.When)
	}
	return nil
}

// Apply evaluates the rules on what a provider said. It never fails: a claim
// whose rule finds nothing is left out, and one whose rule goes wrong or gives
// a value that does not fit is left out and named in Dropped.
func (r *Rules) Apply(said Claims) Statement {
	b := bind("claims", said)
	st := Statement{Claims: make(Claims, len(r.rules))}
	for _, rule := range r.rules {
		v, err := rule.value(b)
		switch {
		case err == nil:
			st.Claims[rule.name] = v
		case !errors.Is(err, ErrAbsent):
			st.Dropped = append(st.Dropped, rule.name)
		}
	}
	r.judge(&st, b)
	return st
}

// judge replaces the provider's flags by what the operator believes, and says
// which claims are verified.
func (r *Rules) judge(st *Statement, b binding) {
	st.flag("email", r.believesEmail(st.says(emailVerified), b))
	// A telephone number is verified where the operator vouches for it and the
	// provider does not deny it.
	st.flag("phone_number", slices.Contains(r.verified, "phone_number") && st.says(phoneVerified) != no)
	// A flag that is not true denies its claim, also one of the council's own, and one
	// that came and could not be read.
	for _, name := range r.verified {
		if _, ok := st.Claims[name]; ok && st.says(name+"_verified") != no {
			st.Verified = append(st.Verified, name)
		}
	}
}

func (r *Rules) believesEmail(provider answer, b binding) bool {
	switch r.policy {
	case "trust":
		return provider != no
	case "claim":
		return provider == yes
	case "conditional":
		return provider != no && r.holds(b)
	}
	return false
}

// holds reports whether the condition is true. One that cannot be evaluated is
// not.
func (r *Rules) holds(b binding) bool {
	v, err := r.when.eval(b)
	if err != nil {
		return false
	}
	v, err = boolean.value(v)
	return err == nil && v == true
}

// An answer is what a provider says of a check of its own.
type answer int

const (
	unsaid answer = iota
	yes
	no
)

// says reads a flag of the provider's. One that is there and cannot be read is
// a no.
func (st *Statement) says(flag string) answer {
	v, ok := st.Claims[flag]
	switch {
	case v == true:
		return yes
	case ok || slices.Contains(st.Dropped, flag):
		return no
	}
	return unsaid
}

// flag sets the flag of a claim to what is believed; without the claim there
// is no flag.
func (st *Statement) flag(name string, verified bool) {
	delete(st.Claims, name+"_verified")
	if _, ok := st.Claims[name]; ok {
		st.Claims[name+"_verified"] = verified
	}
}
