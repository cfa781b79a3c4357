package op

import (
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/councilid/councilid/config"
)

const challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM" // RFC 7636 appendix B

// registered are a confidential app, one that must use PKCE, and a native app.
func registered() map[string]*client {
	clients := map[string]*client{}
	for id, oidc := range map[string]config.AppOIDC{
		"tax":     {ClientAuth: clientSecretBasic, RedirectURIs: []string{"https://tax.example/callback"}, Refresh: true},
		"strict":  {ClientAuth: clientSecretBasic, RedirectURIs: []string{"https://tax.example/callback"}, PKCE: "required"},
		"library": {ClientAuth: noAuthentication, RedirectURIs: []string{"http://127.0.0.1/callback"}, PKCE: "optional"},
	} {
		clients[id] = &client{id: id, app: config.App{ID: id}, oidc: oidc}
	}
	return clients
}

const sound = "client_id=tax&redirect_uri=https%3A%2F%2Ftax.example%2Fcallback&response_type=code&scope=openid&state=s"

func parse(t testing.TB, query string) (authorization, replyTo, error) {
	t.Helper()
	form, err := url.ParseQuery(query)
	if err != nil {
		t.Fatal(err)
	}
	return parseAuthorization(form, registered(), testContexts)
}

// Each of these is refused with its code, at the app's own address.
func TestParseAuthorizationRefuses(t *testing.T) {
	withClient := func(id string) string { return strings.Replace(sound, "client_id=tax", "client_id="+id, 1) }
	pkce := "&code_challenge=" + challenge
	tests := []struct{ query, code string }{
		{sound + "&state=t", invalidRequest},
		{sound + "&scope=email", invalidRequest},
		{sound + "&extra=1&extra=2", invalidRequest},
		{sound + "&nonce=" + strings.Repeat("n", 513), invalidRequest},
		{sound + "&nonce=%FF", invalidRequest},
		{strings.Replace(sound, "state=s", "state="+strings.Repeat("s", 2049), 1), invalidRequest},

		{strings.Replace(sound, "response_type=code", "", 1), invalidRequest},
		{strings.Replace(sound, "response_type=code", "response_type=token", 1), unsupportedResponseType},
		{strings.Replace(sound, "response_type=code", "response_type=id_token", 1), unsupportedResponseType},
		{strings.Replace(sound, "response_type=code", "response_type=code+id_token", 1), unsupportedResponseType},
		{strings.Replace(sound, "response_type=code", "response_type=none", 1), unsupportedResponseType},
		{sound + "&response_mode=fragment", invalidRequest},
		{sound + "&response_mode=form_post", invalidRequest},

		{strings.Replace(sound, "scope=openid", "", 1), invalidScope},
		{strings.Replace(sound, "scope=openid", "scope=email", 1), invalidScope},
		{strings.Replace(sound, "scope=openid", "scope=OpenID", 1), invalidScope},

		{sound + "&request=e30.e30.", requestNotSupported},
		{sound + "&request=", requestNotSupported},
		{sound + "&request_uri=https%3A%2F%2Ftax.example%2Frequest", requestURINotSupported},
		{sound + "&registration=%7B%7D", registrationNotSupported},

		{sound + pkce, invalidRequest},
		{sound + pkce + "&code_challenge_method=plain", invalidRequest},
		{sound + pkce + "&code_challenge_method=s256", invalidRequest},
		{sound + "&code_challenge_method=S256", invalidRequest},
		{sound + "&code_challenge=short&code_challenge_method=S256", invalidRequest},
		{sound + "&code_challenge=" + challenge + "A&code_challenge_method=S256", invalidRequest},
		{sound + "&code_challenge=" + strings.Repeat("%2F", 43) + "&code_challenge_method=S256", invalidRequest},
		{withClient("strict"), invalidRequest},
		{strings.Replace(withClient("library"), "https%3A%2F%2Ftax.example", "http%3A%2F%2F127.0.0.1:1234", 1), invalidRequest},

		{sound + "&prompt=none+login", invalidRequest},
		{sound + "&prompt=none+none", invalidRequest},
		{sound + "&prompt=create", invalidRequest},
		{sound + "&max_age=-1", invalidRequest},
		{sound + "&max_age=1.5", invalidRequest},
		{sound + "&max_age=soon", invalidRequest},
		{sound + "&max_age=99999999999", invalidRequest},
	}
	for _, test := range tests {
		_, to, err := parse(t, test.query)
		if err == nil || known(err).Code != test.code {
			t.Errorf("%s: got %v, want %s", test.query, err, test.code)
		}
		if !to.known() {
			t.Errorf("%s: the app is not told", test.query)
		}
	}
}

// Without a client and an address of its own there is nobody to tell.
func TestParseAuthorizationKnowsNobody(t *testing.T) {
	for _, query := range []string{
		"",
		"client_id=tax",
		"redirect_uri=https%3A%2F%2Ftax.example%2Fcallback",
		sound + "&client_id=tax",
		sound + "&redirect_uri=https%3A%2F%2Ftax.example%2Fcallback",
		strings.Replace(sound, "client_id=tax", "client_id=Tax", 1),
		strings.Replace(sound, "callback", "callback%2F", 1),
		strings.Replace(sound, "client_id=tax", "client_id=library", 1),
	} {
		_, to, err := parse(t, query)
		if err == nil || to.known() {
			t.Errorf("%q: error %v, would be sent to %q", query, err, to.uri)
		}
	}
}

func TestParseAuthorization(t *testing.T) {
	age := func(d time.Duration) *time.Duration { return &d }
	tests := []struct {
		query string
		want  authorization
	}{
		{"", authorization{}},
		{"&nonce=" + strings.Repeat("n", 512), authorization{nonce: strings.Repeat("n", 512)}},
		{"&code_challenge_method=S256&code_challenge=" + challenge, authorization{codeChallenge: challenge}},
		{"&prompt=none", authorization{passive: true}},
		{"&prompt=login+select_account+consent", authorization{force: true, choose: true, consent: true}},
		{"&max_age=0", authorization{maxAge: age(0)}},
		{"&max_age=15000", authorization{maxAge: age(15000 * time.Second)}},
		{"&acr_values=1+2&ui_locales=cy+en-GB", authorization{wanted: wanted{acr: []string{"1", "2"}}, locales: []string{"cy", "en-GB"}}},
		{"&login_hint=buffy%40host", authorization{loginHint: "buffy@host"}},
		{"&kc_idp_hint=google", authorization{connector: "google"}},
		{"&connector_hint=google&idp_hint=github", authorization{connector: "google"}},
		{"&id_token_hint=e30", authorization{idTokenHint: "e30"}},
	}
	for _, test := range tests {
		got, to, err := parse(t, sound+test.query)
		if err != nil {
			t.Errorf("%s: %v", test.query, err)
			continue
		}
		if to != (replyTo{uri: "https://tax.example/callback", state: "s"}) {
			t.Errorf("%s: reply to %v", test.query, to)
		}
		test.want.scopes = []string{openID}
		got.client = nil
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(authorization{}, wanted{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.query, diff)
		}
	}
}

func TestGrantableScopes(t *testing.T) {
	clients := registered()
	for _, test := range []struct{ client, asked, want string }{
		{"tax", "email openid", "email openid"},
		{"tax", "openid openid", "openid"},
		{"tax", "openid offline_access admin", "openid offline_access"},
		{"library", "openid offline_access", "openid"},
		{"tax", "", ""},
	} {
		got := strings.Join(clients[test.client].grantable(strings.Fields(test.asked)), " ")
		if got != test.want {
			t.Errorf("%s asks for %q: got %q, want %q", test.client, test.asked, got, test.want)
		}
	}
}

// Whatever comes, an answer goes to a registered address or to nobody, and a
// request that is accepted is sound.
func FuzzAuthorize(f *testing.F) {
	f.Add(sound)
	f.Add(sound + "&prompt=none&max_age=5&code_challenge_method=S256&code_challenge=" + challenge)
	f.Add("client_id=library&redirect_uri=http://127.0.0.1:99999/callback&state=%FF")
	clients := registered()
	f.Fuzz(func(t *testing.T, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		a, to, err := parseAuthorization(form, clients, testContexts)
		if to.known() {
			c := clients[form.Get("client_id")]
			if _, ok := c.replyTo(to.uri, ""); !ok || to.uri != form.Get("redirect_uri") {
				t.Errorf("would answer to %q", to.uri)
			}
			location, err := url.Parse(to.with(url.Values{"iss": {"i"}}))
			if err != nil {
				t.Fatalf("cannot be sent to: %v", err)
			}
			if got := location.Query().Get("state"); to.state != "" && got != to.state {
				t.Errorf("state %q became %q", to.state, got)
			}
		}
		if err != nil {
			return
		}
		if !to.known() || a.passive && (a.force || a.choose) || len(a.scopes) == 0 || !utf8.ValidString(a.nonce) ||
			a.client.pkce() && a.codeChallenge == "" {
			t.Errorf("accepted %+v", a)
		}
	})
}
