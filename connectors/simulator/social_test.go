package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// A social provider's word is worth one factor and nobody's identity, for every
// persona and every fault of each, and whatever becomes of the sign-in is what
// the fault is expected to lead to.
func TestSocialProviders(t *testing.T) {
	for _, name := range []string{"google", "facebook", "microsoft", "github", "apple", "x", "linkedin", "amazon", "yahoo"} {
		t.Run(name, func(t *testing.T) {
			s := play(t, preset(t, name), simulator.Options{Slow: time.Millisecond})
			s.cfg.Network.Attempts = 1
			for _, persona := range append(s.provider.Personas(), simulator.Persona{ID: "load-7"}) {
				s.checkSocial(t, persona)
			}
			for _, fault := range s.provider.Faults() {
				if fault.Artefact == simulator.Discovery && s.cfg.OIDC != nil && s.cfg.OIDC.Endpoints.JWKS == "" {
					s.checkImposed(t, fault)
				}
			}
		})
	}
}

func (s *stage) checkSocial(t *testing.T, persona simulator.Persona) {
	t.Helper()
	want := connectors.Outcome("")
	if persona.Fault != nil {
		want = persona.Fault.Expect
	}
	said, err := s.comeBack(t, s.connector(t), persona.ID)
	if got := outcome(err); got != want {
		t.Errorf("%s: got %q (%v), want %q", persona.ID, got, err, want)
	}
	if err != nil {
		return
	}
	if level := s.rules(t).Assess(said.Signed).String(); level != "P0.Cl.F0.R0" {
		t.Errorf("%s: worth %s", persona.ID, level)
	}
	issuer := s.cfg.OAuth2
	if issuer != nil && said.Issuer != issuer.Issuer || s.cfg.OIDC != nil && strings.Contains(said.Issuer, "{") || said.Subject == "" {
		t.Errorf("%s: signed in as %s of %s", persona.ID, said.Subject, said.Issuer)
	}
	if s.cfg.OIDC != nil && slices.Contains(s.cfg.OIDC.IssuerAliases, said.Issuer) {
		t.Errorf("%s: kept under an alias of the issuer, %s", persona.ID, said.Issuer)
	}
}

// comeBack makes the whole trip, by redirect or with a form.
func (s *stage) comeBack(t *testing.T, c connectors.Connector, persona string) (*connectors.Assertion, error) {
	t.Helper()
	a := attempt()
	a.Started = time.Now()
	r := s.goOff(t, c, a, persona)
	if r.Form.Get("state") != state {
		return nil, &connectors.Failure{Outcome: connectors.Refused, Err: errState} // by the broker, which asks for the attempt
	}
	return c.Finish(t.Context(), a, r)
}

// goOff is the request by which a browser comes back.
func (s *stage) goOff(t *testing.T, c connectors.Connector, a connectors.Attempt, persona string) *http.Request {
	t.Helper()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	r := s.travel(t, start, url.Values{"persona": {persona}})
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestSocialSubjects(t *testing.T) {
	for name, shape := range map[string]string{
		"apple":    `^[0-9]{6}\.[0-9a-f]{32}\.[0-9]{4}$`,
		"x":        `^[0-9]{19}$`,
		"linkedin": `^[A-Za-z0-9_-]{10}$`,
		"amazon":   `^amzn1\.account\.[A-Z2-7]{28}$`,
		"yahoo":    `^[A-Z2-7]{26}$`,
	} {
		s := play(t, preset(t, name), simulator.Options{})
		said, err := s.comeBack(t, s.connector(t), "full-record")
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(shape).MatchString(said.Subject) {
			t.Errorf("%s: subject is %s", name, said.Subject)
		}
	}
}

// Apple says what somebody is called once, and nobody signs it.
func TestAppleIntroducesOnce(t *testing.T) {
	s := play(t, preset(t, "apple"), simulator.Options{})
	for _, want := range []string{"Alice Morgan", ""} {
		said, err := s.comeBack(t, s.connector(t), "full-record")
		if err != nil {
			t.Fatal(err)
		}
		st := s.rules(t).Apply(said.Claims)
		if got := st.Claims.Text("name"); got != want {
			t.Errorf("called %q, want %q", got, want)
		}
		if len(st.Verified) != 1 || st.Verified[0] != "email" || st.Claims.Text("email") != "alice.morgan@example.org" {
			t.Errorf("verified are %v of %v", st.Verified, st.Claims)
		}
		if _, signed := said.Signed["id_token"]["user"]; signed {
			t.Error("what the browser brought passes for signed")
		}
	}
}

// Whoever sits at the browser can write into user what they like.
func TestAppleUserIsForged(t *testing.T) {
	s := play(t, preset(t, "apple"), simulator.Options{})
	c, a := s.connector(t), attempt()
	r := s.goOff(t, c, a, "no-email")
	if r.Method != http.MethodPost || r.URL.RawQuery != "" {
		t.Fatalf("came back by %s to %s", r.Method, r.URL)
	}
	form := r.PostForm
	form.Set("user", `{"name": {"firstName": "Mayor", "lastName": "Forged"}, "email": "mayor@council.example", "email_verified": true, "sub": "somebody"}`)
	said, err := c.Finish(t.Context(), a, post(callback, form))
	if err != nil {
		t.Fatal(err)
	}
	st := s.rules(t).Apply(said.Claims)
	if st.Claims.Text("given_name") != "Mayor" || len(st.Verified) > 0 {
		t.Errorf("claims are %v, verified %v", st.Claims, st.Verified)
	}
	if said.Subject == "somebody" || st.Claims.Text("email") != "" {
		t.Errorf("subject %s, e-mail %s", said.Subject, st.Claims.Text("email"))
	}
}

func TestAppleHidesEmail(t *testing.T) {
	s := play(t, preset(t, "apple"), simulator.Options{})
	for persona, relay := range map[string]bool{"hides-email": true, "full-record": false} {
		said, err := s.comeBack(t, s.connector(t), persona)
		if err != nil {
			t.Fatal(err)
		}
		got := s.rules(t).Apply(said.Claims).Claims
		if got["email_relay"] != relay || got["email_verified"] != true {
			t.Errorf("%s: claims are %v", persona, got)
		}
	}
}

// The secret has to be signed by the team's key, for this client.
func TestAppleSecret(t *testing.T) {
	for name, bend := range map[string]func(*config.Connector){
		"another team": func(c *config.Connector) { c.OIDC.Team = "Z9Y8X7W6V5" },
		"another key":  func(c *config.Connector) { c.OIDC.KeyID = "council-2" },
		"another client": func(c *config.Connector) {
			c.ClientID = "another"
		},
	} {
		s := play(t, preset(t, "apple"), simulator.Options{})
		good, oidc := s.connector(t), *s.cfg.OIDC
		a := attempt()
		r := s.goOff(t, good, a, "full-record")
		s.cfg.OIDC = &oidc
		bend(&s.cfg)
		if _, err := s.connector(t).Finish(t.Context(), a, r); outcome(err) != connectors.Misconfigured {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// ask posts a token request and returns the status and the answer.
func (s *stage) ask(t *testing.T, endpoint string, form url.Values) (int, map[string]any) {
	t.Helper()
	resp, err := s.browser.PostForm(endpoint, form)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer map[string]any
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, answer
}

// posted is a sound token request by client_secret_post.
func posted(code string) url.Values {
	return url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {callback}, "client_id": {clientID}, "client_secret": {secret},
	}
}

// LinkedIn does not know a client that proves its code, and returns no nonce.
func TestLinkedIn(t *testing.T) {
	s := play(t, preset(t, "linkedin"), simulator.Options{})
	endpoint := s.base + "/www.linkedin.com/oauth/token"
	form := posted(s.goOff(t, s.connector(t), attempt(), "full-record").Form.Get("code"))
	form.Set("code_verifier", verifier)
	if status, answer := s.ask(t, endpoint, form); status != http.StatusUnauthorized || answer["error"] != "invalid_client" {
		t.Errorf("with a code_verifier it answers %d %v", status, answer)
	}
	form = posted(s.goOff(t, s.connector(t), attempt(), "full-record").Form.Get("code"))
	status, answer := s.ask(t, endpoint, form)
	claims := payload(t, new(oauth2.Token).WithExtra(answer))
	if _, nonce := claims["nonce"]; status != http.StatusOK || nonce || claims["email_verified"] != "true" {
		t.Errorf("answered %d with an ID token that says %v", status, claims)
	}
}

// Amazon takes a challenge without a method for plain: whoever forgets the method
// is left with a verifier that does not match.
func TestAmazonChallengeIsPlain(t *testing.T) {
	s := play(t, preset(t, "amazon"), simulator.Options{})
	for name, test := range map[string]struct {
		challenge string
		status    int
	}{
		"S256 without saying so": {oauth2.S256ChallengeFromVerifier(verifier[:43]), http.StatusBadRequest},
		"plain":                  {verifier[:43], http.StatusOK},
	} {
		ask := url.Values{
			"response_type": {"code"}, "client_id": {clientID}, "redirect_uri": {callback}, "scope": {"profile"}, "state": {state},
			"code_challenge": {test.challenge}, "persona": {"full-record"},
		}
		answer := s.answer(t, s.base+"/www.amazon.com/ap/oa?"+ask.Encode())
		form := posted(answer.Get("code"))
		form.Set("code_verifier", verifier[:43])
		if status, answer := s.ask(t, s.base+"/api.amazon.com/auth/o2/token", form); status != test.status {
			t.Errorf("%s: answered %d %v", name, status, answer)
		}
	}
}

// X tells an address only to an app that asked for it, and may.
func TestXEmail(t *testing.T) {
	for scopes, want := range map[string]string{"users.read tweet.read users.email": "alice.morgan@example.org", "users.read tweet.read": ""} {
		s := play(t, preset(t, "x"), simulator.Options{})
		s.cfg.OAuth2.Scopes = strings.Fields(scopes)
		said, err := s.comeBack(t, s.connector(t), "full-record")
		if err != nil {
			t.Fatal(err)
		}
		got := s.rules(t).Apply(said.Claims)
		if got.Claims.Text("email") != want || (want != "") != slices.Contains(got.Verified, "email") {
			t.Errorf("scope %q: %v", scopes, got)
		}
	}
	s := play(t, preset(t, "x"), simulator.Options{})
	s.cfg.OAuth2.Scopes = []string{"users.read"}
	if _, err := s.comeBack(t, s.connector(t), "full-record"); outcome(err) != connectors.Misconfigured {
		t.Errorf("without tweet.read: %v", err)
	}
}

// A code of X's lasts half a minute.
func TestXCodeIsShortLived(t *testing.T) {
	now := time.Now()
	s := play(t, preset(t, "x"), simulator.Options{Now: func() time.Time { return now }})
	c, a := s.connector(t), attempt()
	r := s.goOff(t, c, a, "full-record")
	now = now.Add(31 * time.Second)
	if _, err := c.Finish(t.Context(), a, r); outcome(err) != connectors.TryLater {
		t.Errorf("a code of 31 seconds: %v", err)
	}
}

// An answer of one provider is no answer to another, nor is one to another
// attempt.
func TestSocialMixUp(t *testing.T) {
	yahoo, linkedin := play(t, preset(t, "yahoo"), simulator.Options{}), play(t, preset(t, "linkedin"), simulator.Options{})
	a := attempt()
	astray := linkedin.goOff(t, linkedin.connector(t), a, "full-record")
	if _, err := yahoo.connector(t).Finish(t.Context(), a, astray); err == nil {
		t.Error("LinkedIn's code is taken to Yahoo")
	}
	c := yahoo.connector(t)
	named := yahoo.goOff(t, c, a, "full-record").Form
	named.Set("iss", linkedin.cfg.OIDC.Issuer)
	if _, err := c.Finish(t.Context(), a, httptest.NewRequest(http.MethodGet, callback+"?"+named.Encode(), nil)); outcome(err) != connectors.Refused {
		t.Errorf("an answer that names LinkedIn is taken for Yahoo's: %v", err)
	}
	other := attempt()
	other.Nonce = "the-nonce-of-another-attempt-at-signing-in"
	if _, err := c.Finish(t.Context(), other, yahoo.goOff(t, c, a, "full-record")); outcome(err) != connectors.Refused {
		t.Errorf("an ID token of another attempt: %v", err)
	}
}
