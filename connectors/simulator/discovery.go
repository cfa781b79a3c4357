package simulator

import (
	"net/http"
	"strings"
)

// discovery serves the provider's metadata (OpenID Connect Discovery 1.0 §3).
func (p *Provider) discovery(w http.ResponseWriter, _ *http.Request) {
	t := p.terms
	document := map[string]any{
		"issuer":                                p.announcedIssuer(),
		"authorization_endpoint":                t.endpoints.Authorization,
		"token_endpoint":                        t.endpoints.Token,
		"userinfo_endpoint":                     t.endpoints.Userinfo,
		"jwks_uri":                              t.endpoints.JWKS,
		"response_types_supported":              []string{"code"},
		"response_modes_supported":              []string{"query"},
		"grant_types_supported":                 []string{"authorization_code"},
		"subject_types_supported":               []string{"public"},
		"id_token_signing_alg_values_supported": []string{string(t.algorithm)},
		"scopes_supported":                      []string{"openid", "profile", "email", "address", "phone"},
		"prompt_values_supported":               p.manner.prompts,
		"token_endpoint_auth_methods_supported": []string{t.clientAuth},
	}
	if t.pkce {
		document["code_challenge_methods_supported"] = []string{"S256"}
	}
	if t.par {
		document["pushed_authorization_request_endpoint"] = t.endpoints.PAR // RFC 9126 §5
		document["require_pushed_authorization_requests"] = true
	}
	if t.dpop {
		document["dpop_signing_alg_values_supported"] = []string{"ES256"} // RFC 9449 §5.1
	}
	if p.cfg.OIDC.Logout.Send == "with_hint" || p.cfg.OIDC.Logout.Send == "without_hint" {
		document["end_session_endpoint"] = t.endpoints.EndSession
	}
	if t.issParameter != "" {
		document["authorization_response_iss_parameter_supported"] = true // RFC 9207 §3
	}
	writeJSON(w, http.StatusOK, document)
}

// jwks serves the published keys (RFC 7517 §5).
func (p *Provider) jwks(w http.ResponseWriter, _ *http.Request) { p.publishKeys(w, &p.keys) }

func (p *Provider) publishKeys(w http.ResponseWriter, keys *ring) {
	set, ok, err := keys.set()
	if err != nil {
		p.log.Error("cannot publish keys", "provider", p.name, "error", err)
	}
	if !ok {
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
		return
	}
	writeJSON(w, http.StatusOK, set)
}

// announcedIssuer is the issuer that discovery names. Microsoft leaves its
// template in, and in other words than those of the claim.
func (p *Provider) announcedIssuer() string {
	return strings.ReplaceAll(p.terms.issuer, "{tid}", "{tenantid}")
}
