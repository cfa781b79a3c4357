package connectors_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"

	"github.com/councilid/councilid/connectors"
)

func TestLogoutPage(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Logout.Page, h.cfg.SAML.Logout.PageReturn = idp+"/logout?sp=council", "SPRedirectUrl"
	a := h.attempt()
	got, err := h.finish(a, h.statement(a))
	if err != nil || got.Session == nil {
		t.Fatalf("got %+v, %v", got, err)
	}
	l := h.logouter()
	to, err := l.Logout(t.Context(), *got.Session, "farewell-1")
	if err != nil || to.Form != nil {
		t.Fatalf("sent to %+v, %v", to, err)
	}
	page, err := url.Parse(to.URL)
	if err != nil {
		t.Fatal(err)
	}
	if page.Path != "/logout" || page.Query().Get("sp") != "council" {
		t.Errorf("sent to %s", page)
	}
	back := page.Query().Get("SPRedirectUrl")
	answer, err := l.ReadLogout(t.Context(), httptest.NewRequest(http.MethodGet, back, nil))
	if err != nil || answer.Answers != "farewell-1" || !answer.OK {
		t.Errorf("back at %s the answer is %+v, %v", back, answer, err)
	}
}

// Where the provider has no such page, nobody comes from it.
func TestLogoutWithoutAPage(t *testing.T) {
	h := newHandmade(t)
	r := httptest.NewRequest(http.MethodGet, logoutURL+"?state=farewell-1", nil)
	answer, err := h.logouter().ReadLogout(t.Context(), r)
	if answer.OK || answer.Answers != "" {
		t.Errorf("answer is %+v", answer)
	}
	wantOutcome(t, nil, err, connectors.Refused)
}
