package login

import (
	"slices"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestNext(t *testing.T) {
	google := Way{Config: config.Connector{ID: "google"}}
	facebook := Way{Config: config.Connector{ID: "facebook"}}
	works := Way{Config: config.Connector{ID: "works", Domains: []string{"example.gov.uk"}}}
	all := []Way{google, facebook, works}
	session := &Session{Connector: "google", AuthTime: now.Add(-time.Hour)}
	age := func(d time.Duration) *time.Duration { return &d }

	tests := []struct {
		name string
		req  Request
		s    *Session
		ways []Way
		want string // the step, and what it is about
	}{
		{"a new browser chooses", Request{}, nil, all, "choose"},
		{"a session is enough", Request{}, session, all, "issue"},
		{"one way needs no choice", Request{}, nil, []Way{facebook}, "start facebook"},
		{"no way at all", Request{}, nil, nil, "refuse no_way"},

		{"a hint skips the choice", Request{Connector: "facebook"}, nil, all, "start facebook"},
		{"an unknown hint is no hint", Request{Connector: "myspace"}, nil, all, "choose"},
		{"a hint of a forbidden way is no hint", Request{Connector: "works"}, nil, []Way{google, facebook}, "choose"},
		{"a hint at the session's own way", Request{Connector: "google"}, session, all, "issue"},
		{"a hint at another way asks there", Request{Connector: "facebook"}, session, all, "start facebook"},
		{"an unknown hint leaves the session", Request{Connector: "myspace"}, session, all, "issue"},

		{"an e-mail domain leads home", Request{LoginHint: "officer@Example.gov.uk"}, nil, all, "start works"},
		{"another domain chooses", Request{LoginHint: "ann@example.org"}, nil, all, "choose"},
		{"no domain at all", Request{LoginHint: "ann"}, nil, all, "choose"},
		{"connector_hint before login_hint", Request{Connector: "google", LoginHint: "officer@example.gov.uk"}, nil, all, "start google"},

		{"prompt=login asks again", Request{Force: true}, session, all, "choose"},
		{"prompt=select_account asks again", Request{Choose: true}, session, all, "choose"},
		{"young enough", Request{MaxAge: age(2 * time.Hour)}, session, all, "issue"},
		{"just young enough", Request{MaxAge: age(time.Hour)}, session, all, "issue"},
		{"too old", Request{MaxAge: age(time.Hour - time.Second)}, session, all, "choose"},
		{"a session of a way that the app forbids", Request{}, session, []Way{facebook, works}, "choose"},

		{"passive without a session", Request{Passive: true}, nil, all, "refuse login_required"},
		{"passive with one", Request{Passive: true}, session, all, "issue"},
		{"passive but too old", Request{Passive: true, MaxAge: age(0)}, session, all, "refuse login_required"},
		{"passive never starts", Request{Passive: true, Connector: "google"}, nil, all, "refuse login_required"},
		{"passive never starts the only way", Request{Passive: true}, nil, []Way{google}, "refuse login_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := describe(next(tt.req, tt.s, tt.ways, now)); got != tt.want {
				t.Errorf("next = %s, want %s", got, tt.want)
			}
		})
	}
}

func describe(st step) string {
	switch st.kind {
	case issue:
		return "issue"
	case start:
		return "start " + st.way.Config.ID
	case choose:
		return "choose"
	default:
		return "refuse " + string(st.refusal)
	}
}

func TestParseBrowser(t *testing.T) {
	b := browser{ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Last: "google", App: "council-tax"}
	if got, ok := parseBrowser(b.String()); !ok || got != b {
		t.Errorf("parseBrowser(%q) = %v, %v", b.String(), got, ok)
	}
	for _, foreign := range []string{"", "x", "..", "short.google.app", b.String() + ".more"} {
		if got, ok := parseBrowser(foreign); ok || got != (browser{}) {
			t.Errorf("parseBrowser(%q) = %v, %v, want nothing", foreign, got, ok)
		}
	}
}

// Where an app limits the age of a sign-in, only providers that prove it will
// do, though that leave none.
func TestMaxAgeNeedsProof(t *testing.T) {
	flow := &Flow{Ways: []Way{
		{Config: config.Connector{ID: "oidc", OIDC: &config.OIDC{}}},
		{Config: config.Connector{ID: "never", OIDC: &config.OIDC{Force: "never"}}},
		{Config: config.Connector{ID: "oauth2", OAuth2: &config.OAuth2{}}},
		{Config: config.Connector{ID: "saml", SAML: &config.SAML{}}},
	}, Apps: map[string]config.App{"github": {ID: "github", Connectors: []string{"oauth2"}}}}
	hours := 8 * time.Hour
	for _, tt := range []struct {
		req  Request
		want []string
	}{
		{Request{}, []string{"oidc", "never", "oauth2", "saml"}},
		{Request{Force: true}, []string{"oidc", "saml"}},
		{Request{MaxAge: &hours}, []string{"oidc", "saml"}},
		{Request{App: "github"}, []string{"oauth2"}},
		{Request{App: "github", MaxAge: &hours}, nil},
	} {
		var got []string
		for _, way := range flow.ways(tt.req) {
			got = append(got, way.Config.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.req, got, tt.want)
		}
	}
}
