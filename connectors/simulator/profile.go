package simulator

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// userinfo is OpenID Connect's UserInfo endpoint (Core §5.3).
func (p *Provider) userinfo(w http.ResponseWriter, r *http.Request) {
	g, ok := p.bearer(w, r, config.Call{})
	if !ok {
		return
	}
	person := p.personOf(g)
	if err := p.nest(g, person); err != nil {
		p.fail(w, "userinfo", err)
		return
	}
	claims := p.said(g, person, g.scope)
	if g.fault.userinfo != nil {
		g.fault.userinfo(p, claims)
	}
	if p.terms.userinfo != "signed" || g.fault.plain {
		writeJSON(w, http.StatusOK, claims)
		return
	}
	token, err := p.signedUserinfo(g, claims)
	if err != nil {
		p.fail(w, "userinfo", err)
		return
	}
	w.Header().Set("Content-Type", "application/jwt")
	io.WriteString(w, token)
}

// signedUserinfo is what userinfo says as a token (Core §5.3.2).
func (p *Provider) signedUserinfo(g *grant, claims mapping.Claims) (string, error) {
	claims["iss"], claims["aud"] = p.terms.issuer, p.cfg.ClientID
	if g.fault.userinfoToken != nil {
		g.fault.userinfoToken(p, claims)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	sign := p.keys.sign
	if g.fault.signUserinfo != nil {
		sign = func(payload []byte) (string, error) { return g.fault.signUserinfo(&p.keys, payload) }
	}
	token, err := sign(payload)
	if err != nil {
		return "", err
	}
	return p.seal(g, token)
}

// fail answers that something is wrong with the simulator itself.
func (p *Provider) fail(w http.ResponseWriter, at string, err error) {
	p.log.Error("the simulator cannot go on", "provider", p.name, "at", at, "error", err)
	http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
}

// profile is an OAuth 2.0 provider's answer to who signed in.
func (p *Provider) profile(w http.ResponseWriter, r *http.Request) {
	g, ok := p.bearer(w, r, p.terms.profile)
	if !ok {
		return
	}
	said := chosenFields(p.said(g, p.personOf(g), g.scope), r.URL.Query())
	writeJSON(w, http.StatusOK, wrap(p.terms.profile, said))
}

// wrap puts an answer where the connector will look for it.
func wrap(call config.Call, answer any) any {
	if call.Unwrap == "" {
		return answer
	}
	return map[string]any{call.Unwrap: answer}
}

// chosenFields keeps to the fields that a caller asks for, of Facebook's Graph
// API by fields and of X's by user.fields; id always comes.
func chosenFields(said mapping.Claims, query url.Values) mapping.Claims {
	asked := cmp.Or(query.Get("fields"), query.Get("user.fields"))
	if asked == "" {
		return said
	}
	fields := append(strings.Split(asked, ","), "id")
	chosen := mapping.Claims{}
	for name, value := range said {
		if slices.Contains(fields, name) {
			chosen[name] = value
		}
	}
	return chosen
}

// call answers one of the connector's further API calls.
func (p *Provider) call(w http.ResponseWriter, r *http.Request, name string, call config.Call) {
	g, ok := p.bearer(w, r, call)
	if !ok {
		return
	}
	expression := p.tongue.calls[name]
	if expression == nil {
		http.NotFound(w, r)
		return
	}
	person := p.personOf(g)
	if err := p.nest(g, person); err != nil {
		p.fail(w, name, err)
		return
	}
	answer, err := expression.Eval(person)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, wrap(call, answer))
}

// bearer returns the grant of the request's access token (RFC 6750 §2.1). The
// answer has been written when it is not ok.
func (p *Provider) bearer(w http.ResponseWriter, r *http.Request, call config.Call) (*grant, bool) {
	token := p.presented(r, call)
	g, ok := p.tokens.get(token)
	switch {
	case !ok:
		p.refuseAPI(w, &refusal{http.StatusUnauthorized, "invalid_token", "the access token is unknown or has expired"})
	case call.Proof == "appsecret_proof" && !hmac.Equal([]byte(r.URL.Query().Get("appsecret_proof")), []byte(p.proof(token))):
		p.refuseAPI(w, &refusal{http.StatusBadRequest, "invalid_proof", "the proof is not of this app's secret"})
	case call.Assertion != "" && !p.isAssertion(r.Header.Get(call.Assertion), call.URL):
		p.refuseAPI(w, &refusal{http.StatusForbidden, "access_denied", "the client assertion of this address is missing or wrong"})
	case g.fault.breaks(Profile):
		g.fault.answer(p, w, r)
	default:
		return g, true
	}
	return nil, false
}

// presented is the access token that a request carries: by the scheme DPoP with
// a proof of the key that it is bound to (RFC 9449 §7.1), by the parameter that
// a call is made with, or as bearer.
func (p *Provider) presented(r *http.Request, call config.Call) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	switch {
	case call.Query != "":
		return r.URL.Query().Get(call.Query)
	case scheme == "DPoP" && p.terms.dpop && p.proves(r, token):
		return token
	case scheme == "Bearer" && !p.terms.dpop:
		return token
	}
	return ""
}

// proof is Facebook's appsecret_proof of an access token.
func (p *Provider) proof(accessToken string) string {
	mac := hmac.New(sha256.New, []byte(p.secret))
	mac.Write([]byte(accessToken))
	return hex.EncodeToString(mac.Sum(nil))
}

func (p *Provider) refuseAPI(w http.ResponseWriter, why *refusal) {
	p.log.Info("refused", "provider", p.name, "at", "profile", "error", why)
	if why.status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer error="`+why.code+`"`) // RFC 6750 §3
	}
	status, body := p.manner.apiRefusal(*why)
	writeJSON(w, status, body)
}
