package resident_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/councilid/councilid/mapping"
)

func TestOwnWords(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	for facet, wrong := range map[string]string{
		"phone_number": "Enter a telephone number", "nickname": "It must have 60 characters or fewer",
	} {
		w.post("/my/details/"+facet, "said", " ").objects(t, "Enter something")
		typed := strings.Repeat("x", 61)
		p := w.post("/my/details/"+facet, "said", typed)
		p.objects(t, wrong)
		p.shows(t, `value="`+typed+`"`)
	}
	for typed, want := range map[string]string{
		"01632 960 001": "+441632960001", "+44 (0)1632 960001": "+441632960001", "00353 1 234 5678": "+35312345678", "+1-202-555-0143": "+12025550143",
	} {
		w.post("/my/details/phone_number", "said", typed).shows(t, "is saved", want)
	}
	for _, typed := range []string{"12345", "+0123456789", "0", "+44", "ring me", "01632 96000'1"} {
		w.post("/my/details/phone_number", "said", typed).objects(t, "Enter a telephone number")
	}
	w.post("/my/details/nickname", "said", "  Josie ").shows(t, "is saved", "Josie")
	w.get("/").shows(t, "Hello, Josie")
	w.post("/my/details/nickname", "unsay", "yes").shows(t, "is deleted")
	w.get("/my/details").hides(t, "Josie")
	for _, facet := range []string{"name", "birthdate", "sub", "council_number", "locale"} {
		for _, what := range []string{"said", "unsay"} {
			if p := w.post("/my/details/"+facet, what, "01632 960001"); p.status != http.StatusNotFound {
				t.Errorf("%s of %s: %s", what, facet, p)
			}
		}
	}
	if claims := claimsOf(b, who); claims["phone_number_verified"] != false || claims["name"] != "jo" {
		t.Errorf("known of them: %v", claims)
	}
}

// claimsOf are what apps would be told of a resident at best.
func claimsOf(b *bed, who session) mapping.Claims {
	b.Helper()
	findings, err := b.people().Explain(b.Context(), who.account, mapping.Precedence{})
	b.must(err)
	return mapping.Told(findings).Claims
}

func TestLanguageIsKept(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("weak", "jo", "Cl")
	w.post("/my/language", "language", "gd").shows(t, `lang="gd"`, "Chaidh an cànan agaibh a shàbhaladh")
	w.get("/").shows(t, `<html class="govuk-template" lang="gd">`)
	if got := claimsOf(b, who)["locale"]; got != "gd" {
		t.Errorf("the locale is %v", got)
	}
	if p := w.post("/my/language", "language", "fr"); p.status != http.StatusNotFound {
		t.Errorf("a language that there is not: %s", p)
	}
}
