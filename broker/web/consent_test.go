package web_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/web"
)

// consentPages are the pages on which residents say something before an app is
// answered.
func consentPages() map[string]shown {
	date := web.DateOf(time.Unix(0, 0))
	claims := map[string]any{"name": hostile, "email_verified": true, "a_claim": []any{hostile, false}, hostile: false}
	return map[string]shown{
		"consent": {"consent", web.Consent{
			App: hostile, Purpose: hostile, Claims: web.Shown(claims), Lasting: true, Action: "/consent", Fields: map[string]string{"shown": hostile},
		}},
		"consent to nothing": {"consent", web.Consent{App: "Allotments", Action: "/consent"}},
		"acting": {"acting", web.Acting{App: hostile, Action: "/acting", Cancel: "/cancel?x=" + hostile, People: []web.Principal{
			{ID: "one", Name: hostile, Since: date, Until: date},
			{ID: "two", Since: date, Until: date},
			{ID: "three", Name: hostile, Since: date, Until: date, Not: web.NotSure},
			{ID: "four", Since: date, Until: date, Not: web.NotShared},
		}}},
	}
}

// What a person reads is all that the app gets, in an order that people know.
func TestShown(t *testing.T) {
	got := web.Shown(map[string]any{
		"zz_points": 3.5, "updated_at": 1767225600.0, "email_verified": false, "email": "jo@example.org", "name": "Jo Bloggs",
		"address": map[string]any{"formatted": "1 High Street\nStrathmore", "locality": "Strathmore", "postal_code": "ST1 2AB"},
		"groups":  []any{"a", "b"}, "card": map[string]any{"number": "7", "open": true},
	})
	want := []web.Claim{
		{Name: "name", Lines: []string{"Jo Bloggs"}},
		{Name: "email", Lines: []string{"jo@example.org"}},
		{Name: "email_verified", No: true},
		{Name: "address", Lines: []string{"1 High Street", "Strathmore", "ST1 2AB"}},
		{Name: "updated_at", Lines: []string{"2026-01-01"}},
		{Name: "card", Lines: []string{"number: 7", "open: true"}},
		{Name: "groups", Lines: []string{"a", "b"}},
		{Name: "zz_points", Lines: []string{"3.5"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}
