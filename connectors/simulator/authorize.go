package simulator

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// authorization is what the client asks for (RFC 6749 §4.1.1; OpenID Connect
// Core §3.1.2.1).
type authorization struct {
	redirectURI string
	state       string
	scope       string
	nonce       string
	challenge   string // RFC 7636 §4.2, by S256
	acr         string // the first of acr_values
	prompt      string
	maxAge      time.Duration // negative where it was not asked for
	loginHint   string
	claims      []string          // that userinfo is asked for by name (Core §5.5)
	boundTo     string            // the thumbprint of a DPoP key, "" for none (RFC 9449 §10)
	asked       map[string]string // all parameters
}

// grant is what the person agreed to: the code and the access token stand
// for it.
type grant struct {
	authorization
	persona    Persona
	reached    reach
	fault      *Fault    // sound for none
	since      time.Time // when the person authenticated
	session    string    // names their visit
	issued     time.Time
	thumbprint string // of the DPoP key that redeemed it
}

// authorize is the authorization endpoint.
func (p *Provider) authorize(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	form, problem := p.requestOf(r)
	if problem == "" {
		problem = p.checkClient(form)
	}
	// RFC 6749 §4.1.2.1: tell the person, do not redirect.
	if problem != "" {
		p.errorPage(w, problem)
		return
	}
	if refused := p.checkAuthorization(form); refused != nil {
		p.deny(w, r, authorizationOf(form), refused)
		return
	}
	p.askPerson(w, r, p.plainly(authorizationOf(form)))
}

// askPerson goes on with a sound request: by the page, or past it where a
// program has chosen or nobody may be asked.
func (p *Provider) askPerson(w http.ResponseWriter, r *http.Request, a authorization) {
	visit := p.visitOf(r)
	chosen, problem := p.choiceOf(r)
	if problem != "" {
		p.errorPage(w, problem)
		return
	}
	if a.prompt == "none" {
		if !visit.satisfies(a, p.now()) {
			p.deny(w, r, a, &refusal{code: cmp.Or(p.manner.unvisited, "login_required"), description: "nobody is signed in"})
			return
		}
		chosen.persona = visit.persona
	}
	if chosen.persona.ID == "" {
		p.choicePage(w, page{
			Action: "?" + withoutChoice(r.Form).Encode(), Client: p.cfg.ClientID, Scopes: strings.Fields(a.scope),
		}, a, visit)
		return
	}
	p.signIn(w, r, a, visit, chosen)
}

// signIn answers as the chosen persona, who is authenticated now unless the
// browser's visit is theirs and recent enough.
func (p *Provider) signIn(w http.ResponseWriter, r *http.Request, a authorization, v visit, c choice) {
	reached := p.manner.reach(a, c.persona)
	switch {
	case p.absent(c.persona, reached):
		p.sendElsewhere(w, c.persona)
		return
	case !reached.met && p.manner.stranded:
		p.say(w, notice{Title: "You could not be verified", Text: "Go to the page of the service that has other ways on. Nobody has signed in."})
		return
	case !reached.met && p.manner.short != nil:
		if refused := p.manner.short(a); refused != nil {
			p.deny(w, r, a, refused)
			return
		}
	}
	if v.persona.ID != c.persona.ID || !v.satisfies(a, p.now()) {
		v = newVisit(c.persona, p.now())
	}
	code := rand.Text()
	query := p.answerTo(a)
	query.Set("code", code)
	if c.fault.callback != nil {
		c.fault.callback(p, query)
	}
	if query.Has("code") && p.manner.adds != nil {
		p.manner.adds(a, c.persona, query)
	}
	if query.Has("code") { // else nobody signed in after all
		p.codes.put(code, &grant{
			authorization: a, persona: c.persona, reached: reached, fault: c.fault,
			since: v.since, session: v.index, issued: p.now().Add(-c.fault.age),
		}, p.now())
		p.pushed.take(r.Form.Get("request_uri"))
		p.remember(w, v)
	}
	p.redirect(w, r, a, query)
}

// checkClient returns what is wrong with who asks and where the answer is to
// go.
func (p *Provider) checkClient(form url.Values) string {
	switch {
	case len(form["client_id"]) != 1 || form.Get("client_id") != p.cfg.ClientID:
		return "The client is not registered here."
	case len(form["redirect_uri"]) != 1 || !slices.Contains(p.redirects, form.Get("redirect_uri")):
		return "The redirect URI is not registered for this client."
	}
	return ""
}

func (p *Provider) checkAuthorization(form url.Values) *refusal {
	for name, values := range form {
		if len(values) > 1 { // RFC 6749 §3.1
			return invalid(name + " is given twice")
		}
	}
	prompts := strings.Fields(form.Get("prompt"))
	switch {
	case form.Get("response_type") != "code":
		return &refusal{http.StatusBadRequest, "unsupported_response_type", "only code is"}
	case cmp.Or(form.Get("response_mode"), "query") != p.terms.responseMode:
		return invalid("only response_mode " + p.terms.responseMode + " is supported")
	case p.terms.openID && !slices.Contains(strings.Fields(form.Get("scope")), "openid"):
		return &refusal{http.StatusBadRequest, "invalid_scope", "openid is missing"}
	case !p.manner.insists.know(strings.Fields(form.Get("scope"))):
		return &refusal{http.StatusBadRequest, "invalid_scope", "a scope is unknown, or not for this client"}
	case form.Get("state") == "":
		return invalid("state is missing")
	case p.terms.openID && p.terms.nonce && form.Get("nonce") == "":
		return invalid("nonce is missing")
	case slices.Contains(prompts, "none") && len(prompts) > 1: // OpenID Connect Core §3.1.2.1
		return invalid("prompt none goes with no other")
	case slices.ContainsFunc(prompts, func(v string) bool { return !slices.Contains(p.manner.prompts, v) }):
		return invalid("this provider does not know that prompt")
	case !wholeNumber(form.Get("max_age")):
		return invalid("max_age is not a number of seconds")
	}
	if refused := p.checkChallenge(form); refused != nil || p.manner.check == nil {
		return refused
	}
	return p.manner.check(form)
}

// checkChallenge holds the client to PKCE (RFC 7636 §4.3, RFC 9700 §2.1.1).
func (p *Provider) checkChallenge(form url.Values) *refusal {
	switch {
	case !p.terms.pkce && form.Has("code_challenge"):
		return invalid("this provider refuses code_challenge")
	case p.terms.pkce && len(form.Get("code_challenge")) != 43:
		return invalid("code_challenge is missing or malformed")
	case p.terms.pkce && form.Get("code_challenge_method") == "" && p.manner.plain: // RFC 7636 §4.3
	case p.terms.pkce && form.Get("code_challenge_method") != "S256":
		return invalid("code_challenge_method must be S256")
	}
	return nil
}

func invalid(description string) *refusal {
	return &refusal{status: http.StatusBadRequest, code: "invalid_request", description: description}
}

// authorizationOf reads a request that has been checked.
func authorizationOf(form url.Values) authorization {
	a := authorization{
		redirectURI: form.Get("redirect_uri"),
		state:       form.Get("state"),
		scope:       form.Get("scope"),
		nonce:       form.Get("nonce"),
		challenge:   form.Get("code_challenge"),
		prompt:      form.Get("prompt"),
		maxAge:      -1,
		loginHint:   form.Get("login_hint"),
	}
	a.acr, _, _ = strings.Cut(form.Get("acr_values"), " ")
	if seconds, err := strconv.ParseUint(form.Get("max_age"), 10, 31); err == nil {
		a.maxAge = time.Duration(seconds) * time.Second
	}
	a.claims, a.boundTo, a.asked = claimsOf(form.Get("claims")), form.Get("dpop_jkt"), map[string]string{}
	for name := range form {
		a.asked[name] = form.Get(name)
	}
	if form.Get("auth_type") == "reauthenticate" { // Facebook's words for it
		a.prompt = "login"
	}
	return a
}

// claimsOf are the claims that a request wants of userinfo by name (Core §5.5).
func claimsOf(parameter string) []string {
	var wanted struct {
		Userinfo map[string]json.RawMessage `json:"userinfo"`
	}
	if json.Unmarshal([]byte(parameter), &wanted) != nil {
		return nil
	}
	return slices.Sorted(maps.Keys(wanted.Userinfo))
}

// wantsFresh reports whether the person must authenticate again, however
// recently they did.
func (a authorization) wantsFresh() bool { return slices.Contains(strings.Fields(a.prompt), "login") }

// tellsAuthTime: OpenID Connect Core §2 requires auth_time once max_age was
// asked for; whoever asked for a fresh sign-in wants to see it as well.
func (a authorization) tellsAuthTime() bool { return a.maxAge >= 0 || a.wantsFresh() }

func wholeNumber(s string) bool {
	_, err := strconv.ParseUint(s, 10, 31)
	return s == "" || err == nil
}

// deny redirects an error to the client (RFC 6749 §4.1.2.1).
func (p *Provider) deny(w http.ResponseWriter, r *http.Request, a authorization, why *refusal) {
	p.log.Info("refused", "provider", p.name, "at", "authorization", "error", why)
	query := p.answerTo(a)
	query.Set("error", why.code)
	query.Set("error_description", why.description)
	p.redirect(w, r, a, query)
}

// answerTo is what an answer carries whether it is good or bad.
func (p *Provider) answerTo(a authorization) url.Values {
	query := url.Values{}
	if a.state != "" {
		query.Set("state", a.state)
	}
	if p.terms.issParameter != "" {
		query.Set("iss", p.terms.issParameter) // RFC 9207 §2
	}
	return query
}

// redirect adds query to a registered redirect URI, or has the browser post it
// there (OAuth 2.0 Form Post Response Mode).
func (p *Provider) redirect(w http.ResponseWriter, r *http.Request, a authorization, query url.Values) {
	if p.terms.responseMode == "form_post" {
		p.post(w, a.redirectURI, fieldsOf(query))
		return
	}
	separator := "?"
	if strings.Contains(a.redirectURI, "?") {
		separator = "&"
	}
	http.Redirect(w, r, a.redirectURI+separator+query.Encode()+p.manner.fragment, http.StatusSeeOther)
}
