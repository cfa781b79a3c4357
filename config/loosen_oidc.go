package config

import (
	"maps"
	"slices"
)

const unheard = "residents whom the provider signs out would stay signed in here"

// looseOIDC finds in which an OpenID Connect connector is less strict than its
// preset.
func looseOIDC(base, o *OIDC) []loosening {
	var all findings
	all.note(!subset(o.Algorithms, base.Algorithms), "oidc.algorithms", "the provider does not sign with all of these")
	all.note(base.PKCE == "required" && o.PKCE != "required", "oidc.pkce", "a stolen code could be used")
	all.note(base.Nonce == "required" && o.Nonce != "required", "oidc.nonce", "an old ID token could be used again")
	all.note(authStrength(o.ClientAuth) < authStrength(base.ClientAuth), "oidc.client_auth", "the broker would prove less about itself")
	all.note(len(base.Tenants) > 0 && !subset(o.Tenants, base.Tenants), "oidc.tenants", "it lets in more tenants")
	all.note(base.Userinfo == "signed" && o.Userinfo == "merge", "oidc.userinfo", "what userinfo says would not be signed")
	all.note(base.GrantedScopes == "all" && o.GrantedScopes != "all", "oidc.granted_scopes", "an answer that grants less would pass for a whole one")
	all.note(base.PAR == "required" && o.PAR != "required", "oidc.par", "what is asked for could be read and changed in the browser")
	all.note(base.DPoP == "required" && o.DPoP != "required", "oidc.dpop", "a stolen token could be used")
	all.note(base.Logout.BackChannel && !o.Logout.BackChannel, "oidc.logout.back_channel", unheard)
	all.note(base.Logout.FrontChannel && !o.Logout.FrontChannel, "oidc.logout.front_channel", unheard)
	all.note(!subset(o.FormClaims, base.FormClaims), "oidc.form_claims", "it believes what the browser may have written")
	return slices.Concat(all, looseEncryption(base.Encryption, o.Encryption), looseNested(base.Nested, o.Nested), looseCalls("oidc.calls.", base.Calls, o.Calls))
}

// looseOAuth2 is the same of an OAuth 2.0 connector.
func looseOAuth2(base, o *OAuth2) []loosening {
	var all findings
	all.note(base.PKCE == "required" && o.PKCE != "required", "oauth2.pkce", "a stolen code could be used")
	was, is := map[string]Call{"profile": base.Profile}, map[string]Call{"profile": o.Profile}
	return slices.Concat(all, looseCalls("oauth2.", was, is), looseCalls("oauth2.calls.", base.Calls, o.Calls))
}

// authStrength orders client authentications by what a thief would need.
func authStrength(method string) int {
	switch method {
	case "private_key_jwt", "signed_secret":
		return 2
	case "none":
		return 0
	}
	return 1
}

// looseEncryption finds keys and contents that the provider encrypts otherwise.
func looseEncryption(base, e *Encryption) []loosening {
	if base == nil {
		return nil
	}
	const why = "the provider does not encrypt with all of these"
	var all findings
	all.note(!subset(e.KeyAlgorithms, base.KeyAlgorithms), "oidc.encryption.key_algorithms", why)
	all.note(!subset(e.ContentAlgorithms, base.ContentAlgorithms), "oidc.encryption.content_algorithms", why)
	return all
}

// looseNested finds which checks of the preset's nested tokens are not made any
// more.
func looseNested(base, all map[string]Nested) []loosening {
	var found findings
	for _, name := range slices.Sorted(maps.Keys(base)) {
		path, was, is := join("oidc.nested", name), base[name], all[name]
		found.note(is.In != was.In, path+".in", "another token would be read")
		found.note(!subset(is.Algorithms, was.Algorithms), path+".algorithms", "the provider does not sign with all of these")
		found.note(*was.Expires && !*is.Expires, path+".expires", "an old token would do")
		found.note(*was.Audience && !*is.Audience, path+".audience", "a token that is for somebody else would do")
	}
	return found
}

// looseCalls finds calls whose answer is not checked any more to be for us.
func looseCalls(path string, base, all map[string]Call) []loosening {
	var found findings
	for _, name := range slices.Sorted(maps.Keys(base)) {
		was, is := base[name], all[name]
		found.note(was.Audience != "" && is.Audience != was.Audience, path+name+".audience", "a token that somebody else got would do")
		found.note(was.Proof != "" && is.Proof != was.Proof, path+name+".proof", "a stolen token could be used")
	}
	return found
}
