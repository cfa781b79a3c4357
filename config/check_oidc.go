package config

import (
	"crypto"
	"crypto/rsa"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// oidc checks an OpenID Connect connector.
func (r report) oidc(c *Connector, o *OIDC) {
	r.require("oidc.issuer", o.Issuer != "", "")
	r.authenticates(c, o.ClientAuth)
	r.signs(o)
	r.symmetric(c, o)
	r.decrypts(o.Encryption)
	r.tenants(o)
	r.undiscovered(o)
	r.posted(o)
	r.nested(o)
	r.calls("oidc.calls", o.Calls)
	r.called(o)
	r.params("oidc.params", o.Params)
	if o.ClockSkew < 0 || o.ClockSkew > time.Minute {
		r.wrong("oidc.clock_skew", "must be from 0s to 60s")
	}
}

// authenticates checks that there is a client secret where the client
// authentication uses one, and nowhere else.
func (r report) authenticates(c *Connector, method string) {
	secret := strings.HasPrefix(method, "client_secret_")
	r.require("client_secret", !secret || c.ClientSecret.Set(), " by client_auth "+method)
	if !secret && c.ClientSecret.Set() {
		r.wrong("client_secret", "is not used by client_auth %s", method)
	}
}

// signs checks what client assertions, or client secrets, are signed with.
func (r report) signs(o *OIDC) {
	apple, jwt := o.ClientAuth == "signed_secret", o.ClientAuth == "private_key_jwt"
	signs := apple || jwt
	why := " by client_auth " + o.ClientAuth
	r.require("oidc.private_key", !signs || o.PrivateKey.Set(), why)
	r.require("oidc.key_id", !apple || o.KeyID != "", why)
	r.require("oidc.team", !apple || o.Team != "", why)
	for _, key := range []struct {
		path string
		used bool
	}{
		{"oidc.private_key", signs}, {"oidc.key_id", signs}, {"oidc.assertion_algorithm", signs}, {"oidc.team", apple}, {"oidc.next_private_key", jwt},
	} {
		if !key.used && r.own.has(key.path) {
			r.wrong(key.path, "is not used%s", why)
		}
	}
	if signs && o.PrivateKey.Reveal() != "" {
		r.signingKey(o)
	}
}

// signingKey checks that the private key is of the kind that its algorithm
// signs with.
func (r report) signingKey(o *OIDC) {
	key, err := o.SigningKey()
	if err != nil {
		r.wrong("oidc.private_key", "%v", err)
		return
	}
	_, isRSA := key.(*rsa.PrivateKey)
	r.nextKey(o, key, isRSA)
	apple := o.ClientAuth == "signed_secret"
	switch elliptic := apple || o.AssertionAlgorithm == "ES256"; {
	case apple && o.AssertionAlgorithm != "" && o.AssertionAlgorithm != "ES256":
		r.wrong("oidc.assertion_algorithm", "must be ES256 with client_auth signed_secret")
	case isRSA && elliptic:
		r.wrong("oidc.private_key", "must be a P-256 key, which ES256 signs with")
	case !isRSA && !elliptic && o.AssertionAlgorithm != "":
		r.wrong("oidc.private_key", "must be an RSA key, which %s signs with", o.AssertionAlgorithm)
	}
}

// nextKey checks that the key which is to take the place of one is another, and
// signs what that signs.
func (r report) nextKey(o *OIDC, key crypto.Signer, isRSA bool) {
	if o.NextPrivateKey.Reveal() == "" {
		return
	}
	next, err := o.NextSigningKey()
	if err != nil {
		r.wrong("oidc.next_private_key", "%v", err)
		return
	}
	switch _, nextIsRSA := next.(*rsa.PrivateKey); {
	case nextIsRSA != isRSA:
		r.wrong("oidc.next_private_key", "must be of the same kind as private_key: the provider expects its algorithm")
	case samePublicKey(next, key):
		r.wrong("oidc.next_private_key", "must be another key than private_key")
	}
}

// symmetric checks the secret that a provider signs ID tokens with. RFC 7518
// §3.2: it must not be shorter than what it makes, or it is found by trying.
func (r report) symmetric(c *Connector, o *OIDC) {
	if !slices.Contains(o.Algorithms, "HS256") {
		return
	}
	if len(o.Algorithms) > 1 {
		r.wrong("oidc.algorithms", "must be HS256 alone, or have none of it: a public key must not pass for a secret")
	}
	secret := c.ClientSecret.Reveal()
	switch {
	case !strings.HasPrefix(o.ClientAuth, "client_secret_"):
		r.wrong("oidc.algorithms", "can be HS256 only with a client secret, which client_auth %s has not", o.ClientAuth)
	case secret != "" && len(secret) < 32:
		r.wrong("client_secret", "must have at least 32 bytes, as HS256 signs ID tokens with it")
	}
}

// decrypts checks what the provider encrypts to.
func (r report) decrypts(e *Encryption) {
	if e == nil {
		return
	}
	r.require("oidc.encryption.key", e.Key.Set(), "")
	if e.Key.Reveal() == "" {
		return
	}
	key, err := e.DecryptionKey()
	if err != nil {
		r.wrong("oidc.encryption.key", "%v", err)
		return
	}
	kind := "ECDH-ES"
	if _, ok := key.(*rsa.PrivateKey); ok {
		kind = "RSA-OAEP"
	}
	suits := func(algorithm string) bool { return strings.HasPrefix(algorithm, kind) }
	if !slices.ContainsFunc(e.KeyAlgorithms, suits) {
		r.wrong("oidc.encryption.key", "decrypts %s, and key_algorithms are %s", kind, strings.Join(e.KeyAlgorithms, ", "))
	}
}

// tenants checks a templated issuer, which without them would let in anybody
// who can have a tenant at the provider.
func (r report) tenants(o *OIDC) {
	if !o.templated() {
		if len(o.Tenants) > 0 {
			r.wrong("oidc.tenants", "need an issuer with a part in braces")
		}
		return
	}
	r.require("oidc.tenants", len(o.Tenants) > 0, ", as the issuer has a part in braces")
	r.require("oidc.discovery", o.Discovery != "" || o.Endpoints.complete(), ", as the issuer has a part in braces")
	for i, t := range o.Tenants {
		switch {
		case strings.Contains(t, "*"):
			r.wrong(indexed("oidc.tenants", i), "must be one tenant: patterns are not matched")
		case slices.Contains([]string{"common", "organizations", "consumers"}, t): // Microsoft's words for many
			r.wrong(indexed("oidc.tenants", i), "must be one tenant, by its own identifier: nobody's is %s", t)
		}
	}
}

// undiscovered checks that the addresses are there which no discovery finds.
func (r report) undiscovered(o *OIDC) {
	if o.Discovery != "" || !o.Endpoints.complete() {
		return
	}
	const why = ", as nothing is discovered and "
	r.require("oidc.endpoints.par", o.Endpoints.PAR != "" || o.PAR != "required", why+"par is required")
	r.require("oidc.endpoints.userinfo", o.Endpoints.Userinfo != "" || o.Userinfo != "signed", why+"userinfo is signed")
	r.require("oidc.endpoints.end_session", o.Endpoints.EndSession != "" || o.Logout.Send == "never", why+"logout.send is "+o.Logout.Send)
}

// posted checks what is taken from a posted answer besides the code.
func (r report) posted(o *OIDC) {
	if len(o.FormClaims) > 0 && o.ResponseMode != "form_post" {
		r.wrong("oidc.form_claims", "are for response_mode form_post")
	}
	for i, name := range o.FormClaims {
		_, called := o.Calls[name]
		switch {
		case called:
			r.wrong(indexed("oidc.form_claims", i), "is the name of a call, whose answer becomes a claim")
		case slices.Contains([]string{"code", "state", "iss", "id_token", "error", "error_description"}, name):
			r.wrong(indexed("oidc.form_claims", i), "is part of the answer itself")
		case slices.Contains(o.FormClaims[:i], name):
			r.wrong(indexed("oidc.form_claims", i), "is there twice")
		}
	}
}

// nested checks the tokens within what the provider says.
func (r report) nested(o *OIDC) {
	for _, name := range slices.Sorted(maps.Keys(o.Nested)) {
		path, token := join("oidc.nested", name), o.Nested[name]
		_, called := o.Calls[name]
		switch {
		case name == "id_token" || name == "userinfo":
			r.wrong(path, "cannot be the name of a nested token: it is that of another document")
		case called || slices.Contains(o.FormClaims, name):
			r.wrong(path, "is the name of something else that becomes a claim: choose another")
		case (token.JWKS == "") == (token.DID == ""):
			r.wrong(path, "must have jwks or did, and not both: it says where the keys are")
		}
		if token.In == "" {
			continue // reported as missing
		}
		if _, mistake := mapping.CompileExpression("claims", token.In); mistake != nil {
			mistake.Path = path + ".in"
			r.inside(*mistake)
		}
	}
}

// called checks that the answer of each call is a claim of its own, and that the
// calls authenticate as the connector can.
func (r report) called(o *OIDC) {
	for _, name := range slices.Sorted(maps.Keys(o.Calls)) {
		path, call := join("oidc.calls", name), o.Calls[name]
		if name == "id_token" {
			r.wrong(path, "cannot be the name of a call: it is the claim that has what the ID token says")
		}
		if call.Assertion != "" && o.ClientAuth != "private_key_jwt" {
			r.wrong(path+".assertion", "needs client_auth private_key_jwt")
		}
		// RFC 9449 §7.1: a bound token goes with its proof, in a header.
		if call.Query != "" && o.DPoP == "required" {
			r.wrong(path+".query", "is not for dpop: a bound token goes in a header")
		}
	}
}

// ownParams are the parameters of the authorization request that the broker
// sets for each sign-in. A fixed one would take a protection away.
func ownParams() []string {
	return []string{
		"client_id", "client_secret", "code_challenge", "code_challenge_method", "dpop_jkt", "nonce", "redirect_uri",
		"request", "request_uri", "response_mode", "response_type", "scope", "state",
	}
}

func (r report) params(path string, params map[string]string) {
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if slices.Contains(ownParams(), name) {
			r.wrong(join(path, name), "is set by the broker itself")
		}
		if name == "prompt" && slices.Contains(strings.Fields(params[name]), "none") {
			r.wrong(join(path, name), "lets the provider ask nobody anything: only those could sign in who are signed in there")
		}
	}
}
