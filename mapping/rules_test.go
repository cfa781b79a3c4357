package mapping_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/mapping"
)

func rules(t testing.TB, src mapping.RuleSource) *mapping.Rules {
	t.Helper()
	r, mistakes := mapping.CompileRules(src)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return r
}

func release(t testing.TB, list ...mapping.ReleaseRule) *mapping.Release {
	t.Helper()
	r, mistakes := mapping.CompileRelease(list)
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	return r
}

// The table is the whole of what each policy makes of each answer.
func TestEmailPolicy(t *testing.T) {
	const yes, no = `"ok" in claims`, `"ok" in claims && false`
	for _, test := range []struct {
		policy, when                    string
		says, denies, silent, malformed bool
	}{
		{policy: "trust", says: true, silent: true},
		{policy: "claim", says: true},
		{policy: "conditional", when: yes, says: true, silent: true},
		{policy: "conditional", when: no},
		{policy: "conditional", when: `claims.absent`},
		{policy: "conditional", when: `claims.email + 1 == 2`},
		{policy: "conditional", when: `claims.email`},
		{policy: "never"},
		{policy: ""},
	} {
		r := rules(t, mapping.RuleSource{
			Claims: map[string]string{"email": "claims.email"},
			Email:  mapping.EmailPolicy{Policy: test.policy, When: test.when},
		})
		for _, answer := range []struct {
			flag any
			want bool
		}{
			{true, test.says},
			{"true", test.says},
			{false, test.denies},
			{"false", test.denies},
			{nil, test.silent},
			{"TRUE", test.malformed},
			{1, test.malformed},
		} {
			st := r.Apply(mapping.Claims{"email": "a@b", "ok": true, "email_verified": answer.flag})
			if got := st.Claims["email_verified"]; got != answer.want {
				t.Errorf("policy %q when %q, email_verified %v: got %v, want %v", test.policy, test.when, answer.flag, got, answer.want)
			}
			if got := len(st.Verified) == 1; got != answer.want {
				t.Errorf("policy %q when %q, email_verified %v: verified %v", test.policy, test.when, answer.flag, st.Verified)
			}
		}
	}
}

// A flag mapped from elsewhere takes the place of the claim of its name.
func TestEmailPolicyReadsTheMappedFlag(t *testing.T) {
	r := rules(t, mapping.RuleSource{
		Claims: map[string]string{"email": "claims.email", "email_verified": "claims.confirmed"},
		Email:  mapping.EmailPolicy{Policy: "claim"},
	})
	for _, test := range []struct {
		said mapping.Claims
		want bool
	}{
		{mapping.Claims{"email": "a@b", "confirmed": true}, true},
		{mapping.Claims{"email": "a@b", "confirmed": false, "email_verified": true}, false},
		{mapping.Claims{"email": "a@b", "email_verified": true}, false},
	} {
		if got := r.Apply(test.said).Claims["email_verified"]; got != test.want {
			t.Errorf("%v: got %v, want %v", test.said, got, test.want)
		}
	}
}

// A telephone number needs the operator's trust: the provider's own flag can
// only deny it.
func TestTelephone(t *testing.T) {
	for _, test := range []struct {
		trusted bool
		flag    any
		want    bool
	}{
		{true, nil, true},
		{true, true, true},
		{true, false, false},
		{true, "false", false},
		{true, "perhaps", false},
		{false, nil, false},
		{false, true, false},
		{false, "true", false},
	} {
		src := mapping.RuleSource{Claims: map[string]string{"phone_number": "claims.phone_number"}}
		if test.trusted {
			src.Verified = []string{"phone_number"}
		}
		st := rules(t, src).Apply(mapping.Claims{"phone_number": "+44", "phone_number_verified": test.flag})
		if got := st.Claims["phone_number_verified"]; got != test.want {
			t.Errorf("trusted %t, flag %v: got %v, want %v", test.trusted, test.flag, got, test.want)
		}
		if got := len(st.Verified) == 1; got != test.want {
			t.Errorf("trusted %t, flag %v: verified %v", test.trusted, test.flag, st.Verified)
		}
	}
}

// What a provider says of another claim beside it counts for that claim as well: it
// may vouch for no name of which it says that it did not check it, or says nothing
// that can be read.
func TestOwnFlagsDeny(t *testing.T) {
	r := rules(t, mapping.RuleSource{
		Claims:   map[string]string{"name": "claims.name", "name_verified": "claims.checked"},
		Verified: []string{"name"},
	})
	for _, test := range []struct {
		flag any
		want bool
	}{
		{true, true},
		{false, false},
		{"perhaps", false},
		{strings.Repeat("x", 5000), false}, // dropped
	} {
		st := r.Apply(mapping.Claims{"name": "Ailsa", "checked": test.flag})
		if got := slices.Contains(st.Verified, "name"); got != test.want {
			t.Errorf("name_verified %.10v: verified %t, want %t", test.flag, got, test.want)
		}
	}
	if st := r.Apply(mapping.Claims{"name": "Ailsa"}); !slices.Contains(st.Verified, "name") {
		t.Error("a flag that was never given denies")
	}
}

func TestLongValuesAreDropped(t *testing.T) {
	r := rules(t, mapping.RuleSource{Claims: map[string]string{
		"name": "claims.text", "own": "claims.text", "groups": "claims.list",
	}})
	for _, test := range []struct {
		text, member int // lengths
		want         []string
	}{
		{4096, 4096, nil},
		{4097, 4096, []string{"name", "own"}},
		{4096, 5500, []string{"groups"}},
	} {
		st := r.Apply(mapping.Claims{
			"text": strings.Repeat("a", test.text),
			"list": []any{strings.Repeat("a", test.member), strings.Repeat("a", test.member), strings.Repeat("a", test.member)},
		})
		if diff := cmp.Diff(test.want, st.Dropped); diff != "" {
			t.Errorf("lengths %d and 3 times %d: -want +got\n%s", test.text, test.member, diff)
		}
	}
}

func TestApplyLeavesTheClaimsAlone(t *testing.T) {
	said := mapping.Claims{"email": " a@b ", "address": map[string]any{"locality": " Perth "}, "email_verified": true}
	before, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	rules(t, mapping.RuleSource{Claims: map[string]string{"email": "claims.email", "address": "claims.address"}}).Apply(said)
	after, err := json.Marshal(said)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// A statement is kept as JSON in sessions and in the database.
func TestStatementSurvivesJSON(t *testing.T) {
	st := rules(t, mapping.RuleSource{
		Claims: map[string]string{"email": "claims.email", "updated_at": "claims.at", "groups": "claims.groups", "locale": "claims.locale.substring(9)"},
		Email:  mapping.EmailPolicy{Policy: "trust"},
	}).Apply(mapping.Claims{"email": "a@b", "at": json.Number("1754042400"), "groups": []any{json.Number("1"), "x"}, "locale": "cy"})
	b, err := json.Marshal(st)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(st, parse[mapping.Statement](t, b)); diff != "" {
		t.Errorf("-before +after\n%s", diff)
	}
}

// What an app sees must not depend on how the claims were decoded.
func TestReleaseOfNumbers(t *testing.T) {
	r := release(t, mapping.ReleaseRule{As: "updated_at"})
	for _, at := range []any{1754042400.0, json.Number("1754042400"), int64(1754042400)} {
		got := r.Apply(mapping.Claims{"updated_at": at}, []string{"profile"})
		if diff := cmp.Diff(mapping.Claims{"updated_at": 1754042400.0}, got); diff != "" {
			t.Errorf("%T: -want +got\n%s", at, diff)
		}
	}
}
