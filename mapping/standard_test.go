package mapping_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/mapping"
)

// OpenID Connect Core §5.4, word by word.
func TestScopeClaims(t *testing.T) {
	for scope, want := range map[string]string{
		"profile": "name, family_name, given_name, middle_name, nickname, preferred_username, profile, picture, website, gender, birthdate, zoneinfo, locale, updated_at",
		"email":   "email, email_verified",
		"address": "address",
		"phone":   "phone_number, phone_number_verified",
		"openid":  "",
		"other":   "",
	} {
		if diff := cmp.Diff(want, strings.Join(mapping.ScopeClaims(scope), ", ")); diff != "" {
			t.Errorf("%s: -want +got\n%s", scope, diff)
		}
	}
}

func TestStandardClaims(t *testing.T) {
	var want []string
	for _, scope := range []string{"profile", "email", "address", "phone"} {
		want = append(want, mapping.ScopeClaims(scope)...)
	}
	got := mapping.StandardClaims()
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// No expression may say what the protocol itself says.
func TestProtocolClaimsAreRefused(t *testing.T) {
	for name := range strings.FieldsSeq("iss sub aud exp nbf iat jti nonce acr amr azp auth_time at_hash c_hash sid act vot vtm") {
		if _, mistakes := mapping.CompileRules(mapping.RuleSource{Claims: map[string]string{name: "claims.x"}}); len(mistakes) != 1 {
			t.Errorf("rules for %s: mistakes %v, want one", name, mistakes)
		}
		if _, mistakes := mapping.CompileRelease([]mapping.ReleaseRule{{As: name, Value: "claims.x"}}); len(mistakes) != 1 {
			t.Errorf("release of %s: mistakes %v, want one", name, mistakes)
		}
	}
}
