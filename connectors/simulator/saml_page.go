package simulator

import (
	"net/http"
	"net/url"
	"slices"
)

// endOnPage is the page on which a session ends at a provider that has no
// messages for that. It leads back to where it is told, at a service provider.
func (p *Provider) endOnPage(w http.ResponseWriter, r *http.Request) {
	back := r.URL.Query().Get(p.terms.saml.Logout.PageReturn)
	p.forget(w)
	if v := p.visitOf(r); v.persona.ID != "" {
		p.saml.ended.put(v.index, struct{}{}, p.now())
	}
	if back == "" {
		p.say(w, notice{Title: "Signed out", Text: "Your session here has ended."})
		return
	}
	known := func(redirect string) bool { return host(redirect) == host(back) }
	if !slices.ContainsFunc(p.redirects, known) {
		p.errorPage(w, "The address to go back to is nobody's who is registered here.")
		return
	}
	http.Redirect(w, r, back, http.StatusSeeOther)
}

func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}
