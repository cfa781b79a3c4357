package op

import (
	"net/http/httptest"
	"net/url"
	"testing"
)

func TestMatches(t *testing.T) {
	const (
		web    = "https://tax.example/callback"
		v4     = "http://127.0.0.1/callback"
		v6     = "http://[::1]:80/callback?a=b"
		native = true
	)
	tests := []struct {
		registered, requested string
		native, want          bool
	}{
		{web, web, false, true},
		{v4, "http://127.0.0.1:51004/callback", native, true},
		{v4, "http://127.0.0.1:0/callback", native, true},
		{v6, "http://[::1]/callback?a=b", native, true},
		{"http://127.0.0.1", "http://127.0.0.1:80", native, true},

		{"", "", native, false},
		{web, "", native, false},
		{web, web + "/", native, false},
		{web, web + "?a=b", native, false},
		{web, web + "#a", native, false},
		{web, "https://tax.example:8443/callback", native, false},
		{web, "https://TAX.example/callback", native, false},
		{web, "https://tax.example/%63allback", native, false},
		{v4, "http://127.0.0.1:51004/callback", false, false}, // RFC 8252 §7.3 is about native apps
		{v4, "https://127.0.0.1:51004/callback", native, false},
		{v4, "http://localhost:51004/callback", native, false}, // §8.3
		{v4, "http://[::1]:51004/callback", native, false},
		{v4, "http://127.0.0.1:51004/callback?a=b", native, false},
		{v4, "http://127.0.0.1:51004/other", native, false},
		{v4, "http://127.0.0.1:/callback", native, false},
		{v4, "http://127.0.0.1:510040/callback", native, false},
		{v4, "http://127.0.0.1:80@evil.example/callback", native, false},
		{v4, "http://127.0.0.1.evil.example/callback", native, false},
		{v4, "http://127.0.0.1@evil.example/callback", native, false},
		{v4, "http://127.0.0.1:80.evil.example/callback", native, false},
		{v4, `http://127.0.0.1:80\@evil.example/callback`, native, false},
		{"http://127.0.0.1", "http://127.0.0.1:80.evil.example", native, false},
		{"http://127.0.0.1", "http://127.0.0.1@evil.example", native, false},
		{"http://localhost/callback", "http://localhost:80/callback", native, false},
	}
	for _, test := range tests {
		if got := matches(test.registered, test.requested, test.native); got != test.want {
			t.Errorf("registered %q, requested %q, native %t: got %t", test.registered, test.requested, test.native, got)
		}
	}
}

// What matches leads to the same place, but for the port.
func FuzzRedirectURI(f *testing.F) {
	f.Add("http://127.0.0.1/callback", "http://127.0.0.1:51004/callback")
	f.Add("http://[::1]/", "http://[::1]:1/")
	f.Add("http://127.0.0.1", "http://127.0.0.1:80@evil.example")
	f.Fuzz(func(t *testing.T, registered, requested string) {
		r, err := url.Parse(registered)
		if err != nil || r.Host == "" || !matches(registered, requested, true) {
			return
		}
		q, err := url.Parse(requested)
		if err != nil {
			return // it leads nowhere
		}
		if q.Scheme != r.Scheme || q.Hostname() != r.Hostname() || q.User.String() != r.User.String() ||
			q.EscapedPath() != r.EscapedPath() || q.RawQuery != r.RawQuery || q.Fragment != r.Fragment {
			t.Errorf("%q is taken for %q", requested, registered)
		}
	})
}

func TestReplyTo(t *testing.T) {
	params := func() url.Values { return url.Values{"code": {"c d"}} }
	for _, test := range []struct {
		to   replyTo
		want string
	}{
		{replyTo{uri: "https://tax.example/"}, "https://tax.example/?code=c+d"},
		{replyTo{uri: "https://tax.example/?a=b&c=%20", state: "&"}, "https://tax.example/?a=b&c=%20&code=c+d&state=%26"},
		{replyTo{uri: "uk.example.app:/cb", state: "s"}, "uk.example.app:/cb?code=c+d&state=s"},
	} {
		if got := test.to.with(params()); got != test.want {
			t.Errorf("got %q, want %q", got, test.want)
		}
	}
	if got := (replyTo{uri: "https://tax.example/bye"}).with(url.Values{}); got != "https://tax.example/bye" {
		t.Errorf("got %q", got)
	}
}

func TestReplyToSend(t *testing.T) {
	w := httptest.NewRecorder()
	replyTo{uri: "https://tax.example/"}.send(w, url.Values{"code": {"c"}})
	got := w.Result()
	if got.StatusCode != 303 || got.Header.Get("Cache-Control") != "no-store" || got.Header.Get("Location") != "https://tax.example/?code=c" {
		t.Errorf("status %d, headers %v", got.StatusCode, got.Header)
	}
}
