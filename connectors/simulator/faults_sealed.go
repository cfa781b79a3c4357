package simulator

import (
	"net/http"
	"net/url"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/connectors"
)

// sealedFaults are those of encryption to the client.
func sealedFaults() []Fault {
	return []Fault{
		{
			ID: "unencrypted-token", Title: "Signed and not encrypted", Artefact: Signature, Expect: connectors.Refused, applies: seals,
			unsealed: true,
		},
		{
			ID: "encrypted-to-another", Title: "Encrypted to somebody else", Artefact: Signature, Expect: connectors.Refused, applies: seals,
			recipient: sealAstray,
		},
		{
			ID: "weakly-encrypted", Title: "Encrypted by an algorithm that is not agreed", Artefact: Signature, Expect: connectors.Refused, applies: seals,
			content: jose.A128GCM,
		},
	}
}

// signedProfileFaults are those of userinfo that is signed.
func signedProfileFaults() []Fault {
	return []Fault{
		{
			ID: "userinfo-unsigned", Title: "Userinfo is not signed", Artefact: Profile, Expect: connectors.Refused, applies: signsUserinfo,
			plain: true,
		},
		{
			ID: "userinfo-alg-none", Title: "Userinfo is signed by nobody: alg is none", Artefact: Profile, Expect: connectors.Refused, applies: signsUserinfo,
			signUserinfo: (*ring).unsigned,
		},
		{
			ID: "userinfo-invalid-signature", Title: "Userinfo has a bad signature", Artefact: Profile, Expect: connectors.Refused, applies: signsUserinfo,
			signUserinfo: (*ring).signBadly,
		},
		{
			ID: "userinfo-invalid-iss", Title: "Userinfo is of another issuer", Artefact: Profile, Expect: connectors.Refused, applies: signsUserinfo,
			userinfoToken: saying("iss", elsewhere),
		},
		{
			ID: "userinfo-invalid-aud", Title: "Userinfo is for another client", Artefact: Profile, Expect: connectors.Refused, applies: signsUserinfo,
			userinfoToken: saying("aud", "another-client"),
		},
	}
}

// pushFaults are those of pushed authorization requests and of tokens that are
// bound to a key.
func pushFaults() []Fault {
	return []Fault{
		{
			ID: "par-refused", Title: "The pushed request is refused", Artefact: PushedRequest, Expect: connectors.Misconfigured, applies: pushes,
			answer: refuseToken(http.StatusBadRequest, "invalid_request"),
		},
		{
			ID: "par-500", Title: "Requests cannot be pushed: error 500", Artefact: PushedRequest, Expect: connectors.Unavailable, applies: pushes,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "request-uri-expired", Title: "The pushed request has expired", Artefact: Callback, Expect: connectors.TryLater, applies: pushes,
			callback: func(_ *Provider, q url.Values) { q.Del("code"); q.Set("error", "invalid_request_uri") },
		},
		{
			ID: "dpop-mismatch", Title: "The proof of the key is refused", Artefact: TokenEndpoint, Expect: connectors.Misconfigured, applies: bindsTokens,
			answer: refuseToken(http.StatusBadRequest, "invalid_dpop_proof"),
		},
		{
			ID: "token-unbound", Title: "The access token is not bound to a key", Artefact: TokenEndpoint, Expect: connectors.Refused, applies: bindsTokens,
			tokens: func(answer map[string]any) { answer["token_type"] = "Bearer" },
		},
	}
}
