package op

import (
	"encoding/base64"
	"maps"
	"net/url"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func basicAuth(pair string) string { return "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)) }

func TestParseCredentials(t *testing.T) {
	post := url.Values{"client_id": {"tax"}, "client_secret": {"s"}}
	for _, test := range []struct {
		name          string
		authorization string
		form          url.Values
		want          credentials
	}{
		{"basic", basicAuth("tax:s"), nil, credentials{method: clientSecretBasic, id: "tax", secret: "s"}},
		// RFC 6749 §2.3.1: form-encoded before they are joined.
		{"encoded", basicAuth("https%3A%2F%2Ftax:a+b%3A%25"), nil, credentials{method: clientSecretBasic, id: "https://tax", secret: "a b:%"}},
		{"colon in the secret", basicAuth("tax:a:b"), nil, credentials{method: clientSecretBasic, id: "tax", secret: "a:b"}},
		{"scheme in lower case", "basic " + basicAuth("tax:s")[6:], nil, credentials{method: clientSecretBasic, id: "tax", secret: "s"}},
		{"post", "", post, credentials{method: clientSecretPost, id: "tax", secret: "s"}},
		{"public", "", url.Values{"client_id": {"library"}}, credentials{method: noAuthentication, id: "library"}},
		{"nothing", "", nil, credentials{method: noAuthentication}},
	} {
		got, err := parseCredentials(test.authorization, test.form)
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
		}
		if diff := cmp.Diff(test.want, got, cmp.AllowUnexported(credentials{})); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
	}
	for _, test := range []struct {
		name          string
		authorization string
		form          url.Values
		code          string
	}{
		{"bearer", "Bearer token", nil, invalidClient},
		{"not base64", "Basic !", nil, invalidClient},
		{"bad escape in the id", basicAuth("%zz:s"), nil, invalidClient},
		{"bad escape in the secret", basicAuth("tax:%zz"), nil, invalidClient},
		{"basic and post", basicAuth("tax:s"), post, invalidRequest},
		{"post and assertion", "", with(post, "client_assertion", "x", "client_assertion_type", jwtBearerAssertion), invalidClient},
		{"other client", basicAuth("tax:s"), url.Values{"client_id": {"waste"}}, invalidRequest},
		{"assertion without type", "", url.Values{"client_assertion": {"x"}}, invalidRequest},
	} {
		_, err := parseCredentials(test.authorization, test.form)
		if err == nil || known(err).Code != test.code {
			t.Errorf("%s: got %v, want %s", test.name, err, test.code)
		}
	}
}

func with(form url.Values, pairs ...string) url.Values {
	all := url.Values{}
	maps.Copy(all, form)
	for i := 0; i < len(pairs); i += 2 {
		all.Set(pairs[i], pairs[i+1])
	}
	return all
}

// Credentials that are accepted for reading are of one method, and say the
// same client everywhere.
func FuzzCredentials(f *testing.F) {
	f.Add(basicAuth("tax:s"), "client_id=tax")
	f.Add("", "client_id=tax&client_secret=s")
	f.Add("", "client_assertion_type="+url.QueryEscape(jwtBearerAssertion)+"&client_assertion=e30.e30.e30")
	f.Fuzz(func(t *testing.T, authorization, query string) {
		form, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		c, err := parseCredentials(authorization, form)
		if err != nil {
			if e := known(err); e.Code != invalidClient && e.Code != invalidRequest {
				t.Errorf("refused with %s", e.Code)
			}
			return
		}
		if form.Has("client_id") && form.Get("client_id") != c.id {
			t.Errorf("client_id %q, credentials of %q", form.Get("client_id"), c.id)
		}
		if (authorization != "") != (c.method == clientSecretBasic) {
			t.Errorf("method %s with Authorization %q", c.method, authorization)
		}
	})
}

func TestPKCE(t *testing.T) {
	const verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk" // RFC 7636 appendix B
	for _, test := range []struct {
		challenge, verifier string
		ok                  bool
	}{
		{challenge, verifier, true},
		{"", "", true},
		{challenge, "", false},
		{"", verifier, false},
		{challenge, challenge, false},
		{challenge, verifier[:42], false},
		{hashOf("short"), "short", false},
		{hashOf(verifier + " "), verifier + " ", false},
	} {
		if err := checkPKCE(test.challenge, test.verifier); (err == nil) != test.ok {
			t.Errorf("challenge %q, verifier %q: %v", test.challenge, test.verifier, err)
		}
	}
}
