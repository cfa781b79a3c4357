package town

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
)

// jar keeps cookies as browsers do: one with SameSite=Lax or Strict does not
// go with a form that a page of another site posts (RFC 6265bis §5.8.3). Hosts
// are sites here; their ports are not told apart.
type jar struct {
	all      *cookiejar.Jar
	sameSite map[string]bool // host and name of the cookies that say so
	foreign  bool            // the request under way comes from another site
}

func newJar() (*jar, error) {
	all, err := cookiejar.New(nil)
	return &jar{all: all, sameSite: map[string]bool{}}, err
}

// SetCookies implements [http.CookieJar].
func (j *jar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	j.all.SetCookies(u, cookies)
	for _, c := range cookies {
		j.sameSite[u.Hostname()+" "+c.Name] = c.SameSite == http.SameSiteLaxMode || c.SameSite == http.SameSiteStrictMode
	}
}

// Cookies implements [http.CookieJar].
func (j *jar) Cookies(u *url.URL) []*http.Cookie {
	cookies := j.all.Cookies(u)
	if !j.foreign {
		return cookies
	}
	return slices.DeleteFunc(cookies, func(c *http.Cookie) bool { return j.sameSite[u.Hostname()+" "+c.Name] })
}
