package connectors

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// FuzzCallback holds that whatever a browser brings is either refused or has
// each parameter once, and never makes a line of the log.
func FuzzCallback(f *testing.F) {
	for _, seed := range []string{
		"code=a&state=b", "code=a&code=b", "error=access_denied&error_subcode=cancel", "error=%0aforged",
		"code=%zz", "code=a;code=b", "", "error=access_denied&error_reason=user_denied#_=_",
		"code=a&iss=https://github.com/login/oauth", "code[]=a&code[]=b", "CODE=a&code=b", "code=\x00",
	} {
		f.Add(seed, seed)
	}
	p := &provider{words: words{outcomes: map[string]Outcome{"access_denied/cancel": Cancelled}}}
	f.Fuzz(func(t *testing.T, query, form string) {
		for _, r := range []*http.Request{
			httptest.NewRequest(http.MethodGet, "/callback/test", nil),
			httptest.NewRequest(http.MethodPost, "/callback/test", strings.NewReader(form)),
		} {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.URL.RawQuery = query
			c, err := readCallback(r)
			if err == nil {
				checkCallback(t, r, c)
				err = p.accept(c, []string{"https://provider.example"}, false)
			}
			if err == nil {
				continue
			}
			if _, ok := errors.AsType[*Failure](err); !ok || strings.ContainsAny(err.Error(), "\r\n\x00") {
				t.Errorf("error is %q", err)
			}
		}
	})
}

func checkCallback(t *testing.T, r *http.Request, c callback) {
	t.Helper()
	if c.code == "" && c.err.code == "" {
		t.Error("neither code nor error")
	}
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		t.Errorf("malformed query taken: %v", err)
	}
	for name := range query {
		if len(query[name])+len(r.PostForm[name]) != 1 {
			t.Errorf("%q came more than once", name)
		}
	}
}
