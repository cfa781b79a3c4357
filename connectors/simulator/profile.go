package simulator

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
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
	claims := p.said(g, g.scope)
	if g.fault.userinfo != nil {
		g.fault.userinfo(p, claims)
	}
	writeJSON(w, http.StatusOK, claims)
}

// profile is an OAuth 2.0 provider's answer to who signed in.
func (p *Provider) profile(w http.ResponseWriter, r *http.Request) {
	g, ok := p.bearer(w, r, p.terms.profile)
	if !ok {
		return
	}
	said := chosenFields(p.said(g, g.scope), r.URL.Query())
	writeJSON(w, http.StatusOK, wrap(p.terms.profile, said))
}

// wrap puts an answer where the connector will look for it.
func wrap(call config.Call, answer any) any {
	if call.Unwrap == "" {
		return answer
	}
	return map[string]any{call.Unwrap: answer}
}

// chosenFields keeps to the fields that a caller of Facebook's Graph API asks
// for; id always comes.
func chosenFields(said mapping.Claims, query url.Values) mapping.Claims {
	if !query.Has("fields") {
		return said
	}
	fields := append(strings.Split(query.Get("fields"), ","), "id")
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
	answer, err := expression.Eval(p.personOf(g))
	if err != nil {
		http.NotFound(w, r)
		return
	}
	writeJSON(w, http.StatusOK, wrap(call, answer))
}

// bearer returns the grant of the request's access token (RFC 6750 §2.1). The
// answer has been written when it is not ok.
func (p *Provider) bearer(w http.ResponseWriter, r *http.Request, call config.Call) (*grant, bool) {
	token, _ := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	g, ok := p.tokens.get(token)
	switch {
	case p.manner.userAgent && r.UserAgent() == "":
		p.refuseAPI(w, &refusal{http.StatusForbidden, "access_denied", "requests must have a User-Agent header"})
	case !ok:
		p.refuseAPI(w, &refusal{http.StatusUnauthorized, "invalid_token", "the access token is unknown or has expired"})
	case call.Proof == "appsecret_proof" && !hmac.Equal([]byte(r.URL.Query().Get("appsecret_proof")), []byte(p.proof(token))):
		p.refuseAPI(w, &refusal{http.StatusBadRequest, "invalid_proof", "the proof is not of this app's secret"})
	case g.fault.breaks(Profile):
		g.fault.answer(p, w, r)
	default:
		return g, true
	}
	return nil, false
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
