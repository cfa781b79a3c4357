package town

import (
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"sync"
)

// jar keeps cookies as browsers do: one with SameSite=Lax or Strict does not
// go with a form that a page of another site posts (RFC 6265bis §5.8.3). Hosts
// are sites here; their ports are not told apart.
type jar struct {
	*cookiejar.Jar

	mu     sync.Mutex
	strict map[string]bool // host and name of the cookies that say so
}

func newJar() (*jar, error) {
	all, err := cookiejar.New(nil)
	return &jar{Jar: all, strict: map[string]bool{}}, err
}

// keep takes the cookies of an answer.
func (j *jar) keep(u *url.URL, cookies []*http.Cookie) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.SetCookies(u, cookies)
	for _, c := range cookies {
		j.strict[u.Hostname()+" "+c.Name] = c.SameSite == http.SameSiteLaxMode || c.SameSite == http.SameSiteStrictMode
	}
}

// attach gives a request its cookies. foreign says that a page of another site
// sends it.
func (j *jar) attach(r *http.Request, foreign bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	cookies := j.Cookies(r.URL)
	if foreign && r.Method == http.MethodPost {
		cookies = slices.DeleteFunc(cookies, func(c *http.Cookie) bool { return j.strict[r.URL.Hostname()+" "+c.Name] })
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
}
