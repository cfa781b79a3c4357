package op

import (
	"net/http"

	"github.com/councilid/councilid/mapping"
)

// metadata is the discovery document: OpenID Connect Discovery 1.0 §3, RFC
// 8414 §2, RFC 9207 §3, RP-Initiated Logout §2.1 and Back-Channel Logout §2.1.
// It says what is done and nothing that might be.
type metadata struct {
	Issuer                string `json:"issuer"`
	AuthorizationEndpoint string `json:"authorization_endpoint"`
	TokenEndpoint         string `json:"token_endpoint"`
	UserinfoEndpoint      string `json:"userinfo_endpoint"`
	JWKSURI               string `json:"jwks_uri"`
	RevocationEndpoint    string `json:"revocation_endpoint"`
	IntrospectionEndpoint string `json:"introspection_endpoint"`
	EndSessionEndpoint    string `json:"end_session_endpoint"`

	Scopes        []string `json:"scopes_supported"`
	Claims        []string `json:"claims_supported"`
	ClaimTypes    []string `json:"claim_types_supported"`
	Contexts      []string `json:"acr_values_supported"`
	ResponseTypes []string `json:"response_types_supported"`
	ResponseModes []string `json:"response_modes_supported"`
	GrantTypes    []string `json:"grant_types_supported"`
	SubjectTypes  []string `json:"subject_types_supported"`
	PKCEMethods   []string `json:"code_challenge_methods_supported"`
	Locales       []string `json:"ui_locales_supported"`

	IDTokenAlgs       []string `json:"id_token_signing_alg_values_supported"`
	TokenAuth         []string `json:"token_endpoint_auth_methods_supported"`
	TokenAuthAlgs     []string `json:"token_endpoint_auth_signing_alg_values_supported"`
	RevocationAuth    []string `json:"revocation_endpoint_auth_methods_supported"`
	RevocationAlgs    []string `json:"revocation_endpoint_auth_signing_alg_values_supported"`
	IntrospectionAuth []string `json:"introspection_endpoint_auth_methods_supported"`
	IntrospectionAlgs []string `json:"introspection_endpoint_auth_signing_alg_values_supported"`

	BackchannelLogout bool `json:"backchannel_logout_supported"`
	BackchannelSID    bool `json:"backchannel_logout_session_supported"`

	IssParameter     bool `json:"authorization_response_iss_parameter_supported"`
	ClaimsParameter  bool `json:"claims_parameter_supported"`
	RequestParameter bool `json:"request_parameter_supported"`
	RequestURI       bool `json:"request_uri_parameter_supported"`
}

func (s *Server) metadata() metadata {
	confidential := []string{clientSecretBasic, clientSecretPost, privateKeyJWT}
	every := append(confidential[:len(confidential):len(confidential)], noAuthentication)
	var algs []string
	for _, alg := range assertionAlgorithms {
		algs = append(algs, string(alg))
	}
	return metadata{
		Issuer:                s.Issuer,
		AuthorizationEndpoint: s.Issuer + "/authorize",
		TokenEndpoint:         s.Issuer + tokenPath,
		UserinfoEndpoint:      s.Issuer + "/userinfo",
		JWKSURI:               s.Issuer + "/jwks",
		RevocationEndpoint:    s.Issuer + "/revoke",
		IntrospectionEndpoint: s.Issuer + "/introspect",
		EndSessionEndpoint:    s.Issuer + "/end_session",

		Scopes:        knownScopes[:],
		Claims:        append([]string{"sub", "iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "acr", "amr", "vot", "vtm", "act"}, mapping.StandardClaims()...),
		ClaimTypes:    []string{"normal"},
		Contexts:      s.contexts.names(),
		ResponseTypes: []string{"code"},
		ResponseModes: []string{"query"},
		GrantTypes:    []string{"authorization_code", "refresh_token"},
		SubjectTypes:  []string{"pairwise"},
		PKCEMethods:   []string{"S256"},
		Locales:       s.Languages,

		IDTokenAlgs:       []string{"RS256", "ES256"},
		TokenAuth:         every,
		TokenAuthAlgs:     algs,
		RevocationAuth:    every,
		RevocationAlgs:    algs,
		IntrospectionAuth: confidential,
		IntrospectionAlgs: algs,

		BackchannelLogout: true,
		BackchannelSID:    true,

		IssParameter:    true,
		ClaimsParameter: true,
	}
}

// publish lets everybody read an answer and keep it for an hour: less than a
// new signing key is published before it signs.
func publish(w http.ResponseWriter) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("Access-Control-Allow-Origin", "*")
}

func (s *Server) handleDiscovery(w http.ResponseWriter, _ *http.Request) error {
	publish(w)
	return writeJSON(w, http.StatusOK, s.discovery)
}

func (s *Server) handleKeys(w http.ResponseWriter, _ *http.Request) error {
	publish(w)
	return writeJSON(w, http.StatusOK, s.Keys.Public())
}
