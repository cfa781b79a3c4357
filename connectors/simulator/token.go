package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
)

// token is the token endpoint (RFC 6749 §4.1.3).
func (p *Provider) token(w http.ResponseWriter, r *http.Request) {
	g, refused := p.redeem(w, r)
	if refused != nil {
		p.refuseToken(w, r, refused)
		return
	}
	if g.fault.breaks(TokenEndpoint) {
		g.fault.answer(p, w, r)
		return
	}
	answer, err := p.issue(g)
	if err != nil {
		p.log.Error("cannot issue tokens", "provider", p.name, "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	p.writeTokens(w, r, http.StatusOK, answer)
}

// redeem checks a token request and takes the code, which is spent from then
// on whether or not the rest of the request is in order.
func (p *Provider) redeem(w http.ResponseWriter, r *http.Request) (*grant, *refusal) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	if r.Method != http.MethodPost || r.ParseForm() != nil {
		return nil, invalid("a form must be posted")
	}
	if !p.authenticates(r) {
		return nil, p.unauthenticated()
	}
	if p.terms.dpop && !p.proves(r, "") {
		return nil, &refusal{http.StatusBadRequest, "invalid_dpop_proof", "the DPoP proof is missing or wrong"} // RFC 9449 §5
	}
	if grantType := r.PostForm.Get("grant_type"); grantType != "authorization_code" && !p.assumesCode(grantType) {
		return nil, &refusal{http.StatusBadRequest, "unsupported_grant_type", "only authorization_code is"}
	}
	if p.manner.redeems != nil {
		if refused := p.manner.redeems(r.PostForm); refused != nil {
			return nil, refused
		}
	}
	g, ok := p.codes.take(r.PostForm.Get("code"))
	if !ok {
		return nil, invalidGrant("the code is unknown or spent")
	}
	g.thumbprint = thumbprintOf(r.Header.Get("DPoP"))
	switch {
	case p.now().Sub(g.issued) > p.manner.lives.code:
		return nil, invalidGrant("the code has expired")
	case g.boundTo != "" && g.boundTo != g.thumbprint: // RFC 9449 §10
		return nil, invalidGrant("the code is bound to another DPoP key")
	}
	return g, g.checkRedemption(r.PostForm)
}

// assumesCode: GitHub and Facebook do not ask for grant_type.
func (p *Provider) assumesCode(grantType string) bool { return grantType == "" && !p.terms.openID }

// checkRedemption holds the token request to the authorization request.
func (g *grant) checkRedemption(form url.Values) *refusal {
	verifier := form.Get("code_verifier")
	switch {
	case form.Get("redirect_uri") != g.redirectURI: // RFC 6749 §4.1.3
		return invalidGrant("redirect_uri is not that of the authorization request")
	case g.challenge == "" && verifier != "": // RFC 9700 §2.1.1, against downgrades
		return invalidGrant("code_verifier without code_challenge")
	case g.challenge != "" && s256(verifier) != g.challenge: // RFC 7636 §4.6
		return invalidGrant("code_verifier does not match")
	}
	return nil
}

func s256(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// issue makes the answer to a code that was redeemed (RFC 6749 §5.1).
func (p *Provider) issue(g *grant) (map[string]any, error) {
	accessToken := rand.Text()
	answer := map[string]any{
		"access_token": accessToken,
		"token_type":   "Bearer",
		"expires_in":   int(p.manner.lives.access.Seconds()),
		"scope":        p.manner.granted(g.scope),
	}
	if p.terms.dpop {
		answer["token_type"] = "DPoP"
	}
	if g.fault.tokens != nil {
		g.fault.tokens(answer)
	}
	if p.terms.openID {
		idToken, err := p.idToken(g, accessToken)
		if err != nil {
			return nil, err
		}
		answer["id_token"] = idToken
	}
	p.tokens.put(accessToken, g, p.now())
	return answer, nil
}

func invalidGrant(description string) *refusal {
	return &refusal{http.StatusBadRequest, "invalid_grant", description}
}

func (p *Provider) refuseToken(w http.ResponseWriter, r *http.Request, why *refusal) {
	p.log.Info("refused", "provider", p.name, "at", "token", "error", why)
	if why.status == http.StatusUnauthorized && r.Header.Get("Authorization") != "" {
		w.Header().Set("WWW-Authenticate", "Basic") // RFC 6749 §5.2
	}
	status, body := p.manner.tokenRefusal(*why)
	p.writeTokens(w, r, status, body)
}

// writeTokens answers in JSON, or in GitHub's form.
func (p *Provider) writeTokens(w http.ResponseWriter, r *http.Request, status int, body map[string]any) {
	w.Header().Set("Cache-Control", "no-store")
	if !p.manner.formTokens || strings.Contains(r.Header.Get("Accept"), "json") {
		writeJSON(w, status, body)
		return
	}
	form := url.Values{}
	for name, value := range body {
		if text, ok := value.(string); ok {
			form.Set(name, text)
		}
	}
	w.Header().Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	w.WriteHeader(status)
	w.Write([]byte(form.Encode()))
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(body)
}
