package mapping_test

import (
	"testing"

	"github.com/councilid/councilid/mapping"
)

var googleRules = mapping.RuleSource{
	Claims: map[string]string{
		"name":           "claims.name",
		"given_name":     "claims.given_name",
		"family_name":    "claims.family_name",
		"picture":        "claims.picture",
		"email":          "claims.email",
		"email_verified": "claims.email_verified",
	},
	Email: mapping.EmailPolicy{Policy: "conditional", When: `claims.email.endsWith("@gmail.com") || has(claims.hd)`},
}

var googleClaims = mapping.Claims{
	"iss": "https://accounts.google.com", "sub": "110169484474386276334", "aud": "123.apps.googleusercontent.com",
	"name": "Ailsa MacLeod", "given_name": "Ailsa", "family_name": "MacLeod",
	"picture": "https://lh3.googleusercontent.com/a/photo.jpg", "email": "ailsa@gmail.com", "email_verified": true,
	"iat": 1754042400.0, "exp": 1754046000.0,
}

func BenchmarkEval(b *testing.B) {
	for _, source := range []string{
		`claims.email`,
		`claims.email_verified in [true, "true", "1", 1]`,
		`claims.email.endsWith("@gmail.com") || has(claims.hd)`,
	} {
		b.Run(source, func(b *testing.B) {
			e := compile(b, source)
			b.ReportAllocs()
			for b.Loop() {
				if _, err := e.Eval(googleClaims); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkGoogleRules(b *testing.B) {
	r := rules(b, googleRules)
	b.ReportAllocs()
	for b.Loop() {
		r.Apply(googleClaims)
	}
}

func BenchmarkAssess(b *testing.B) {
	r := rules(b, mapping.RuleSource{
		Levels: map[string]mapping.Level{
			"identity":      {From: "core", Value: "claims.vot", Map: map[string]string{"P2": "P2"}},
			"authenticator": {From: "id_token", Value: "claims.amr", Map: map[string]string{"pwd": "Cl", "mfa": "Cm"}},
		},
		Cap: mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm},
	})
	said := mapping.Signed{"id_token": {"amr": []any{"pwd", "mfa"}}, "core": {"vot": "P2"}}
	b.ReportAllocs()
	for b.Loop() {
		r.Assess(said)
	}
}

func BenchmarkRelease(b *testing.B) {
	r := release(b,
		mapping.ReleaseRule{As: "sub"}, mapping.ReleaseRule{As: "name"},
		mapping.ReleaseRule{As: "email"}, mapping.ReleaseRule{As: "email_verified"},
	)
	known, scopes := mapping.Claims{"name": "Ailsa MacLeod", "email": "ailsa@gmail.com", "email_verified": true}, []string{"openid", "profile", "email"}
	b.ReportAllocs()
	for b.Loop() {
		r.Apply(known, scopes)
	}
}

// BenchmarkCompileRules is start-up: once for each connector.
func BenchmarkCompileRules(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		rules(b, googleRules)
	}
}
