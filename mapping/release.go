package mapping

import (
	"cmp"
	"fmt"
	"slices"
)

// ReleaseRule is one claim an app may see.
type ReleaseRule struct {
	As    string // the name that the app sees
	Value string // CEL over the resident's claims; empty for the claim named As
}

// Release decides what an app sees. It may be used by many goroutines at once.
type Release struct {
	rules []rule
}

// CompileRelease compiles an app's list. It returns all mistakes that there
// are; where there is one, the release is nil. sub may be listed and means
// nothing, as every app gets one.
func CompileRelease(rules []ReleaseRule) (*Release, []Mistake) {
	set, r := newRuleSet(), new(Release)
	for i, source := range rules {
		path := fmt.Sprintf("release[%d]", i)
		if source == (ReleaseRule{As: "sub"}) {
			continue
		}
		set.note(path+".as", checkName(source.As))
		if r.Has(source.As) {
			set.note(path+".as", &Mistake{Message: source.As + " is listed twice"})
		}
		value := cmp.Or(source.Value, fmt.Sprintf("claims[%q]", source.As))
		r.rules = append(r.rules, set.rule(path+".value", source.As, value))
	}
	set.flagsStayTrue(rules)
	if len(set.mistakes) > 0 {
		return nil, set.mistakes
	}
	return r, nil
}

// flagsStayTrue keeps email_verified and phone_number_verified what they are:
// the broker's word about the very address or number beside them. Apps decide
// on them who somebody is.
func (s *ruleSet) flagsStayTrue(rules []ReleaseRule) {
	listed := func(name string) bool {
		return slices.ContainsFunc(rules, func(r ReleaseRule) bool { return r.As == name })
	}
	for i, r := range rules {
		path := fmt.Sprintf("release[%d].value", i)
		switch {
		case r.Value == "":
		case r.As == emailVerified || r.As == phoneVerified:
			s.note(path, &Mistake{Message: r.As + " is what the broker knows and cannot be an expression"})
		case (r.As == "email" || r.As == "phone_number") && listed(r.As+"_verified"):
			s.note(path, &Mistake{Message: fmt.Sprintf(
				"%s_verified is about the resident's own %s, not about an expression: list one or the other", r.As, r.As)})
		}
	}
}

// Has reports whether the app may be told the claim at all.
func (r *Release) Has(name string) bool {
	return slices.ContainsFunc(r.rules, func(rule rule) bool { return rule.name == name })
}

// Apply returns what an app that was granted scopes sees of the claims known
// about a resident. A claim is there when the app's list has it and a scope
// asks for it: profile, email, address and phone ask for theirs (OpenID Connect
// Core §5.4), openid for the council's own names. No claim brings another
// along, and sub is not part of it. Values have the types of OpenID Connect
// Core §5.1; what does not fit is left out, as are nulls and empty texts.
func (r *Release) Apply(known Claims, scopes []string) Claims {
	seen, b := make(Claims, len(r.rules)), bind("claims", known)
	for _, rule := range r.rules {
		if !slices.Contains(scopes, rule.scope) {
			continue
		}
		if v, err := rule.value(b); err == nil {
			seen[rule.name] = v
		}
	}
	return seen
}
