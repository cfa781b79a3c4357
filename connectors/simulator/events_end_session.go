package simulator

import (
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"
)

// endSession is the end session endpoint (RP-Initiated Logout 1.0 §2). It asks
// nothing: whoever comes is signed out.
func (p *Provider) endSession(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	if problem := p.checkEndSession(r.Form); problem != "" {
		p.errorPage(w, problem)
		return
	}
	p.forget(w)
	back := r.Form.Get("post_logout_redirect_uri")
	http.Redirect(w, r, back+"?"+url.Values{"state": {r.Form.Get("state")}}.Encode(), http.StatusFound)
}

// signed reports whether one of the ring's keys signed a token.
func (r *ring) signed(token string) bool {
	jws, err := jose.ParseSignedCompact(token, []jose.SignatureAlgorithm{r.alg})
	if err != nil {
		return false
	}
	set, _, err := r.set()
	return err == nil && slices.ContainsFunc(set.Keys, func(k jose.JSONWebKey) bool {
		_, err := jws.Verify(k)
		return err == nil
	})
}

// checkEndSession is what is wrong with the request.
func (p *Provider) checkEndSession(form url.Values) string {
	hint := form.Get("id_token_hint")
	registered := strings.Replace(p.redirects[0], "/callback/", "/logout/", 1)
	switch {
	case form.Get("post_logout_redirect_uri") != registered:
		return "The address to go back to is not registered."
	case form.Get("state") == "":
		return "The request has no state."
	case p.terms.hint && !p.keys.signed(hint):
		return "The ID token is not one of ours."
	case hint == "" && form.Get("client_id") != p.cfg.ClientID:
		return "The client is unknown."
	}
	return ""
}
