package mapping_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/councilid/councilid/mapping"
)

// everyRule maps every standard claim, and some of the council's own, from the
// claim of the same name and in the ways that presets do.
func everyRule() mapping.RuleSource {
	src := mapping.RuleSource{
		Claims: map[string]string{
			"uprn":     `string(int(claims.uprn))`,
			"groups":   `claims.groups.map(g, g.name)`,
			"whatever": `claims.whatever`,
			"initials": `claims.given_name.substring(0, 1) + claims.family_name.substring(0, 1)`,
			"current":  `claims.list.filter(a, !has(a.validUntil)).map(a, {"postcode": a.postalCode.replace(" ", "")})[0]`,
		},
		Verified: []string{"name", "birthdate", "phone_number", "whatever"},
		Email:    mapping.EmailPolicy{Policy: "conditional", When: `claims.email.endsWith("@gmail.com") || has(claims.hd)`},
	}
	for _, name := range mapping.StandardClaims() {
		src.Claims[name] = "claims." + name
	}
	return src
}

// FuzzRules: whatever a provider says, rules do not panic, and what comes out
// of them is what OpenID Connect Core §5.1 says it is.
func FuzzRules(f *testing.F) {
	for _, seed := range []string{
		`{}`,
		`null`,
		`{"name":"Ailsa","email":"a@gmail.com","email_verified":"true","phone_number":"+44","updated_at":1.5e9,"birthdate":"1970-00-00"}`,
		`{"email":"a@b@c","picture":"javascript:x","address":{"locality":"Perth","region":5},"uprn":1e300,"groups":[{"name":null}]}`,
		`{"email":["a@b"],"whatever":{"a":[1,2,{"b":null}]},"list":[{"postalCode":"PH1 1AA"}],"given_name":"","family_name":"é"}`,
	} {
		f.Add([]byte(seed))
	}
	r := rules(f, everyRule())
	f.Fuzz(func(t *testing.T, data []byte) {
		var said mapping.Claims
		if json.Unmarshal(data, &said) != nil {
			return
		}
		st := r.Apply(said)
		for name, value := range st.Claims {
			if !valid(name, value) {
				t.Errorf("%s is %#v", name, value)
			}
		}
		for _, name := range st.Verified {
			if _, ok := st.Claims[name]; !ok {
				t.Errorf("%s is verified and not there", name)
			}
		}
		if _, err := json.Marshal(st); err != nil {
			t.Error(err)
		}
	})
}

// valid is written apart from the code it judges.
func valid(name string, value any) bool {
	switch name {
	case "updated_at":
		_, ok := value.(float64)
		return ok
	case "email_verified", "phone_number_verified":
		_, ok := value.(bool)
		return ok
	case "address":
		return validAddress(value)
	case "uprn", "groups", "whatever", "initials", "current":
		return value != nil && value != "" && value != "null"
	}
	s, ok := value.(string)
	return ok && validText(s) && validForm(name, s)
}

func validText(s string) bool {
	return s != "" && s != "null" && s == strings.TrimSpace(s) && len(s) <= 4096 && utf8.ValidString(s)
}

func validForm(name, s string) bool {
	switch name {
	case "email":
		return strings.Count(s, "@") == 1 && s[0] != '@' && s[len(s)-1] != '@'
	case "profile", "picture", "website":
		u, err := url.Parse(s)
		return err == nil && u.IsAbs() && strings.HasPrefix(u.Scheme, "http")
	case "birthdate":
		_, day := time.Parse("2006-01-02", s)
		_, year := time.Parse("2006", s)
		return day == nil || year == nil
	}
	return !strings.ContainsAny(s, "\r\n\x00")
}

func validAddress(value any) bool {
	members, ok := value.(map[string]any)
	for name, member := range members {
		s, isText := member.(string)
		ok = ok && isText && validText(s) && strings.Contains("formatted street_address locality region postal_code country", name)
	}
	return ok && len(members) > 0
}

// FuzzCompile: whatever an operator writes, compiling and evaluating it does
// not panic, and a mistake says where it is and what.
func FuzzCompile(f *testing.F) {
	for _, seed := range []string{
		"claims.email", "claim.email", "claims.email +", "", "é", "\n\nclams", `claims["a"].filter(x, x.y)[0]`,
		"claims.?a.orValue(1)", "has(claims)", "[1].map(x, x / 0)", `"%s".format([claims])`, "claims.a.matches('(')",
		"((((((((((1))))))))))", "{claims.a: 1}", "dyn(1u)", "'\\x00'", "`a`.b", "claims.a.b.c()",
	} {
		f.Add(seed)
	}
	said := mapping.Claims{"a": "b", "n": 1.5, "l": []any{1.0, "x", nil}, "m": map[string]any{"y": true}}
	f.Fuzz(func(t *testing.T, source string) {
		e, mistake := mapping.CompileExpression("claims", source)
		if mistake != nil {
			if mistake.Message == "" || mistake.Line < 0 || mistake.Column < 0 {
				t.Errorf("%q: %#v", source, mistake)
			}
			return
		}
		value, err := e.Eval(said)
		if err != nil {
			return
		}
		if _, err := json.Marshal(value); err != nil {
			t.Errorf("%q gives %#v: %v", source, value, err)
		}
	})
}

// FuzzParseAssurance: whatever an app asks for, a vector that is read is printed
// in one form, which is read as the same.
func FuzzParseAssurance(f *testing.F) {
	for _, seed := range []string{"P2.Cl.Cm", "P0.C0.F0.R0", "F1", "", "P2.", "P9", "Cm\x00", "\xff\xfe"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, vector string) {
		a, err := mapping.ParseAssurance(vector)
		if err != nil {
			if a != (mapping.Assurance{}) {
				t.Errorf("%q is wrong and worth %s", vector, a)
			}
			return
		}
		if again, err := mapping.ParseAssurance(a.String()); err != nil || again != a {
			t.Errorf("%q is %s, which is read as %s, %v", vector, a, again, err)
		}
		for component := range strings.SplitSeq(vector, ".") {
			c, err := mapping.ParseAssurance(component)
			if err != nil || !a.AtLeast(c) {
				t.Errorf("%q is %s, and its %s is not in it: %v", vector, a, component, err)
			}
		}
	})
}
