package simulator

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
)

// address is one address at which the provider answers.
type address struct {
	name     string
	url      string
	artefact Artefact
	serve    http.HandlerFunc
	calls    atomic.Int64
}

// is reports whether a URL is that of the address.
func (a *address) is(url string) bool { return a != nil && a.url == url }

// serveAt maps the path of each of the provider's addresses to its handler.
func (p *Provider) serveAt() (map[string]*address, error) {
	var all []*address
	switch {
	case p.terms.openID:
		all = append(p.oauthAddresses(), p.openIDAddresses()...)
	case p.terms.saml != nil:
		all = p.samlAddresses()
	default:
		all = append(p.oauthAddresses(), p.apiAddresses()...)
	}
	at := make(map[string]*address, len(all))
	for _, a := range all {
		u, err := url.Parse(a.url)
		if err != nil || u.Path == "" {
			return nil, fmt.Errorf("%s: no address to serve at in %q", a.name, a.url)
		}
		if other, taken := at[u.Path]; taken {
			return nil, fmt.Errorf("%s and %s have one path, %s", other.name, a.name, u.Path)
		}
		at[u.Path] = a
	}
	return at, nil
}

func (p *Provider) oauthAddresses() []*address {
	e := p.terms.endpoints
	return []*address{
		{name: "authorization", artefact: Callback, url: e.Authorization, serve: p.authorize},
		{name: "token", artefact: TokenEndpoint, url: e.Token, serve: p.token},
	}
}

func (p *Provider) openIDAddresses() []*address {
	e := p.terms.endpoints
	all := []*address{
		{name: "discovery", artefact: Discovery, url: p.terms.discovery, serve: p.discovery},
		{name: "jwks", artefact: Keys, url: e.JWKS, serve: p.jwks},
		{name: "userinfo", artefact: Profile, url: e.Userinfo, serve: p.userinfo},
		{name: "par", artefact: PushedRequest, url: e.PAR, serve: p.push},
		{name: "end_session", artefact: Logout, url: e.EndSession, serve: p.endSession},
	}
	if p.cfg.Landing {
		all = append(all, &address{name: "later", artefact: Callback, url: beside(e.Authorization, "later"), serve: p.finishLater})
	}
	return slices.Concat(all, p.nestedAddresses(), p.callAddresses())
}

func (p *Provider) apiAddresses() []*address {
	return append(p.callAddresses(), &address{name: "profile", artefact: Profile, url: p.terms.profile.URL, serve: p.profile})
}

func (p *Provider) callAddresses() []*address {
	var all []*address
	for name, call := range p.terms.calls {
		serve := func(w http.ResponseWriter, r *http.Request) { p.call(w, r, name, call) }
		all = append(all, &address{name: name, artefact: Profile, url: call.URL, serve: serve})
	}
	slices.SortFunc(all, func(a, b *address) int { return strings.Compare(a.name, b.name) })
	return all
}

// beside is the address of that name in the folder of another.
func beside(address, name string) string {
	return address[:strings.LastIndex(address, "/")+1] + name
}
