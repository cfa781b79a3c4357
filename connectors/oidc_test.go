package connectors_test

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// wantOutcome checks that a sign-in ended as it should and that nobody was
// signed in by it.
func wantOutcome(t *testing.T, got *connectors.Assertion, err error, want connectors.Outcome) {
	t.Helper()
	failure, ok := errors.AsType[*connectors.Failure](err)
	if !ok {
		t.Fatalf("error is %v, want a *Failure", err)
	}
	if failure.Outcome != want {
		t.Errorf("outcome is %v, want %s", failure, want)
	}
	if got != nil {
		t.Error("an assertion came with the failure")
	}
	for _, secret := range []string{accessToken, clientSecret, "resident@example.com", "24400320"} {
		if strings.Contains(err.Error(), secret) {
			t.Errorf("error tells a secret: %v", err)
		}
	}
}

func TestSignIn(t *testing.T) {
	p := newProvider(t)
	p.said = claims{"email": "resident@example.com", "acr": "high", "amr": []string{"pwd", "otp"}, "auth_time": p.clock.Now().Unix(), "at_hash": atHash(accessToken)}
	p.userinfo = claims{"sub": "24400320", "email": "unsigned@example.com", "given_name": "Morag"}

	got, err := p.signIn(p.open(p.connector()), newAttempt())
	if err != nil {
		t.Fatal(err)
	}
	if got.Claims.Text("nonce") == "" {
		t.Error("claims of the ID token are missing")
	}
	if signed := got.Signed["id_token"]; len(got.Signed) != 1 || signed.Text("acr") != "high" || signed["given_name"] != nil {
		t.Errorf("it signed %v", got.Signed)
	}
	got.Signed = nil
	for _, name := range []string{"nonce", "iat", "exp", "iss", "aud", "acr", "amr", "auth_time", "at_hash", "id_token"} {
		delete(got.Claims, name)
	}
	want := &connectors.Assertion{
		Issuer:   p.url,
		Subject:  "24400320",
		Claims:   mapping.Claims{"sub": "24400320", "email": "resident@example.com", "given_name": "Morag"},
		ACR:      "high",
		AMR:      []string{"pwd", "otp"},
		AuthTime: p.clock.Now().Local(),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestAuthenticationRequest(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Params = map[string]string{"hd": "example.gov.uk"}
	a := newAttempt()
	a.Force, a.Locales, a.LoginHint = true, []string{"cy", "en"}, "morag@example.gov.uk"

	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	to, got, _ := strings.Cut(redirect.URL, "?")
	if to != p.url+"/authorize" {
		t.Errorf("redirect is %+v", redirect)
	}
	challenge := sha256.Sum256([]byte(a.Verifier))
	want := url.Values{
		"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callbackURL},
		"scope": {"openid email"}, "state": {a.State}, "nonce": {a.Nonce},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(challenge[:])}, "code_challenge_method": {"S256"},
		"prompt": {"login"}, "max_age": {"0"}, "ui_locales": {"cy en"},
		"login_hint": {"morag@example.gov.uk"}, "hd": {"example.gov.uk"},
	}
	query, err := url.ParseQuery(got)
	if diff := cmp.Diff(want, query); diff != "" || err != nil {
		t.Error(err, diff)
	}
}

// A provider that is told the age says when it authenticated the person (Core
// §2): without that, nobody knows how old its own session is.
func TestAuthenticationRequestPassesMaxAge(t *testing.T) {
	p := newProvider(t)
	a, age := newAttempt(), 10*time.Minute
	a.MaxAge = &age
	redirect, err := p.open(p.connector()).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(redirect.URL, "max_age=600") || strings.Contains(redirect.URL, "prompt=") {
		t.Errorf("the request is %s", redirect.URL)
	}
}

// A provider that cannot be made to ask for a new sign-in may refuse what it does
// not know.
func TestAuthenticationRequestForcesNobody(t *testing.T) {
	p := newProvider(t)
	cfg := p.connector()
	cfg.OIDC.Force = "never"
	a, age := newAttempt(), 10*time.Minute
	a.MaxAge, a.Force = &age, true
	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(redirect.URL, "max_age=") || strings.Contains(redirect.URL, "prompt=") {
		t.Errorf("the request is %s", redirect.URL)
	}
}

func TestAuthenticationRequestLeavesOut(t *testing.T) {
	p := newProvider(t)
	off := false
	cfg := p.connector()
	cfg.OIDC.LoginHint, cfg.OIDC.PKCE = &off, "forbidden"
	a := newAttempt()
	a.LoginHint = "morag@example.gov.uk"

	redirect, err := p.open(cfg).Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"login_hint", "code_challenge", "prompt", "max_age", "acr_values", "ui_locales"} {
		if strings.Contains(redirect.URL, name+"=") {
			t.Errorf("%s is in %s", name, redirect.URL)
		}
	}
	if _, err := p.open(cfg).Finish(t.Context(), a, callback(p.authorize(redirect.URL))); err != nil {
		t.Error(err)
	}
}

// A token is not for another attempt of the same connector, however it came
// into the browser's hands.
func TestCodeOfAnotherAttempt(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	victim, attacker := newAttempt(), newAttempt()
	redirect, err := c.Start(t.Context(), attacker)
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), victim, callback(p.authorize(redirect.URL)))
	wantOutcome(t, got, err, connectors.Refused) // PKCE

	cfg := p.connector()
	cfg.OIDC.PKCE = "forbidden"
	if redirect, err = p.open(cfg).Start(t.Context(), attacker); err != nil {
		t.Fatal(err)
	}
	got, err = p.open(cfg).Finish(t.Context(), victim, callback(p.authorize(redirect.URL)))
	wantOutcome(t, got, err, connectors.Refused) // nonce
}

func TestCallback(t *testing.T) {
	for name, test := range map[string]struct {
		bend      func(url.Values)
		announced bool   // discovery announces iss
		iss       string // iss_parameter
		want      connectors.Outcome
	}{
		"iss missing where announced": {func(url.Values) {}, true, "", connectors.Refused},
		"iss of another":              {set("iss", "https://evil.example"), false, "", connectors.Refused},
		"iss not as configured":       {set("iss", "ISSUER"), false, "https://another.example", connectors.Refused},
		"iss of another with error":   {set("iss", "https://evil.example", "error", "access_denied"), false, "", connectors.Refused},
		"code twice":                  {func(v url.Values) { v.Add("code", "second") }, false, "", connectors.Refused},
		"state twice":                 {func(v url.Values) { v.Add("state", "second") }, false, "", connectors.Refused},
		"iss twice":                   {func(v url.Values) { v["iss"] = []string{"ISSUER", "ISSUER"} }, false, "", connectors.Refused},
		"neither code nor error":      {func(v url.Values) { v.Del("code") }, false, "", connectors.Refused},
		"foreign code":                {set("code", "made up"), false, "", connectors.Refused},
		"access_denied":               {set("error", "access_denied"), false, "", connectors.Cancelled},
		"consent_required":            {set("error", "consent_required"), false, "", connectors.NoConsent},
		"unmet":                       {set("error", "unmet_authentication_requirements"), false, "", connectors.Unmet},
		"temporarily_unavailable":     {set("error", "temporarily_unavailable"), false, "", connectors.TryLater},
		"server_error":                {set("error", "server_error"), false, "", connectors.Unavailable},
		"unauthorized_client":         {set("error", "unauthorized_client"), false, "", connectors.Misconfigured},
		"invalid_scope":               {set("error", "invalid_scope"), false, "", connectors.Misconfigured},
		"error nobody knows":          {set("error", "PEBKAC"), false, "", connectors.Unavailable},
		"error that is no code":       {set("error", "resident@example.com\nforged log line"), false, "", connectors.Unavailable},
		"subcode that is no code":     {set("error", "access_denied", "error_subcode", "resident@example.com\nforged"), false, "", connectors.Cancelled},
		"configured code":             {set("error", "user_cancelled_login"), false, "", connectors.Cancelled},
		"configured subcode":          {set("error", "access_denied", "error_subcode", "policy"), false, "", connectors.NotAllowed},
		"configured reason":           {set("error", "access_denied", "error_reason", "later"), false, "", connectors.TryLater},
		"configured word":             {set("error", "access_denied", "error_description", "OAuth: ConsentNotGiven."), false, "", connectors.NoConsent},
		"first configured word":       {set("error", "access_denied", "error_description", "AADSTS65004 ConsentNotGiven"), false, "", connectors.TooYoung},
		"word of another code":        {set("error", "consent_required", "error_description", "AADSTS65004"), false, "", connectors.NoConsent},
		"part of a word":              {set("error", "access_denied", "error_description", "ConsentNotGivenYet"), false, "", connectors.Cancelled},
		"subcode before a word":       {set("error", "access_denied", "error_subcode", "policy", "error_description", "ConsentNotGiven"), false, "", connectors.NotAllowed},
		"words that are secret":       {set("error", "access_denied", "error_description", "resident@example.com 24400320"), false, "", connectors.Cancelled},
		"subcode nobody knows":        {set("error", "access_denied", "error_subcode", "new"), false, "", connectors.Cancelled},
		"error with a code as well":   {set("error", "access_denied", "code", "x"), false, "", connectors.Cancelled},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProvider(t)
			p.discovery = claims{"authorization_response_iss_parameter_supported": test.announced}
			cfg := p.connector()
			cfg.OIDC.IssParameter = test.iss
			cfg.Errors = map[string]string{
				"user_cancelled_login": "cancelled",
				"access_denied/policy": "not_allowed",
				"access_denied/later":  "try_later",

				"access_denied~ConsentNotGiven": "no_consent",
				"access_denied~AADSTS65004":     "too_young",
			}
			got, err := p.signIn(p.open(cfg), newAttempt(), test.bend, func(v url.Values) {
				for i, iss := range v["iss"] {
					v["iss"][i] = strings.Replace(iss, "ISSUER", p.url, 1)
				}
			})
			wantOutcome(t, got, err, test.want)
			if strings.ContainsAny(err.Error(), "\n@") || strings.Contains(err.Error(), "Consent") {
				t.Errorf("error forges a line of the log: %q", err)
			}
		})
	}
}

func set(pairs ...string) func(url.Values) {
	return func(v url.Values) {
		for i := 0; i < len(pairs); i += 2 {
			v.Set(pairs[i], pairs[i+1])
		}
	}
}

func TestCallbackMalformed(t *testing.T) {
	p := newProvider(t)
	for _, query := range []string{"code=%zz", "code=a;state=b", ""} {
		r := httptest.NewRequest(http.MethodGet, callbackURL, nil)
		r.URL.RawQuery = query
		got, err := p.open(p.connector()).Finish(t.Context(), newAttempt(), r)
		wantOutcome(t, got, err, connectors.Refused)
	}
}

func TestCallbackByForm(t *testing.T) {
	p := newProvider(t)
	p.discovery = claims{"authorization_response_iss_parameter_supported": true}
	c, a := p.open(p.connector()), newAttempt()
	post := func(query string, bend func(url.Values)) (*connectors.Assertion, error) {
		redirect, err := c.Start(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		form := p.authorize(redirect.URL)
		bend(form)
		r := httptest.NewRequest(http.MethodPost, callbackURL+query, strings.NewReader(form.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return c.Finish(t.Context(), a, r)
	}
	if _, err := post("", set("iss", p.url)); err != nil {
		t.Error(err)
	}
	got, err := post("?code=from+the+query", set("iss", p.url))
	wantOutcome(t, got, err, connectors.Refused)
}

// Sign-ins in a row make one call each, to the token endpoint.
func TestDocumentsAreKept(t *testing.T) {
	p := newProvider(t)
	c := p.open(p.connector())
	for range 3 {
		if _, err := p.signIn(c, newAttempt()); err != nil {
			t.Fatal(err)
		}
	}
	if d, k := p.called("/.well-known/openid-configuration"), p.called("/keys"); d != 1 || k != 1 {
		t.Errorf("discovery was fetched %d times and keys %d times, want once each", d, k)
	}
}
