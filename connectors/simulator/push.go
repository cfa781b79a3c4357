package simulator

import (
	"crypto/rand"
	"net/http"
	"net/url"
	"time"
)

// pushed is an authorization request that came from server to server.
type pushed struct {
	form url.Values
	till time.Time
}

// pushedLifetime is that of a request_uri. RFC 9126 §2.2 wants it short; at
// Singpass it is a minute.
const pushedLifetime = time.Minute

// push is the pushed authorization request endpoint (RFC 9126 §2).
func (p *Provider) push(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if refused := p.checkPush(r); refused != nil {
		p.refuseToken(w, r, refused)
		return
	}
	form := r.PostForm
	for _, credential := range []string{"client_assertion", "client_assertion_type", "client_secret"} {
		form.Del(credential)
	}
	if proof := r.Header.Get("DPoP"); proof != "" {
		form.Set("dpop_jkt", thumbprintOf(proof)) // RFC 9449 §10.1
	}
	uri := "urn:ietf:params:oauth:request_uri:" + rand.Text()
	p.pushed.put(uri, pushed{form, p.now().Add(pushedLifetime)}, p.now())
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, http.StatusCreated, map[string]any{"request_uri": uri, "expires_in": int(pushedLifetime.Seconds())})
}

func (p *Provider) checkPush(r *http.Request) *refusal {
	switch {
	case !p.terms.par:
		return invalid("authorization requests are not pushed here")
	case r.Method != http.MethodPost || r.ParseForm() != nil:
		return invalid("a form must be posted")
	case r.PostForm.Has("request_uri"): // RFC 9126 §2.1
		return invalid("request_uri cannot be pushed")
	case !p.authenticates(r):
		return p.unauthenticated()
	case p.terms.dpop && r.Header.Get("DPoP") != "" && !p.proves(r, ""):
		return &refusal{http.StatusBadRequest, "invalid_dpop_proof", "the DPoP proof is wrong"}
	case p.checkClient(r.PostForm) != "":
		return invalid(p.checkClient(r.PostForm))
	}
	return p.checkAuthorization(r.PostForm)
}

// requestOf is the authorization request that the browser brings or, of one that
// was pushed, stands for. What is wrong is the second result.
func (p *Provider) requestOf(r *http.Request) (url.Values, string) {
	if !p.terms.par {
		return r.Form, ""
	}
	uri := r.Form.Get("request_uri")
	known, ok := p.pushed.get(uri)
	switch {
	case !ok || known.form.Get("client_id") != r.Form.Get("client_id"):
		return nil, "The authorization request was not pushed to this provider."
	case p.now().After(known.till):
		return nil, "The authorization request has expired."
	}
	p.pushed.put(uri, pushed{known.form, p.now().Add(lifetime)}, p.now()) // the person may take their time
	return known.form, ""
}
