package config

import "strings"

// promised is the least that everybody takes a context class to mean, where
// that is more than that somebody signed in. Identity that is more than low
// needs a strong sign-in: a password alone would lend it to whoever guesses it.
func promised(class string) AppContext {
	name, _, _ := strings.Cut(class, "?") // idmanagement.gov: aal/2?phishing_resistant=true
	if least, strong := strongClasses()[name]; strong {
		return least
	}
	return AppContext{Identity: "P0"}
}

func strongClasses() map[string]AppContext {
	const (
		saml  = "urn:oasis:names:tc:SAML:2.0:ac:classes:" // SAML Authentication Context §3.4
		eidas = "http://eidas.europa.eu/LoA/"
		nist  = "http://idmanagement.gov/ns/assurance/"
	)
	factors := AppContext{Identity: "P0", Authenticator: "Cm"}
	hardware := AppContext{Identity: "P0", Authenticator: "Ch"}
	medium := AppContext{Identity: "P2", Authenticator: "Cm"}
	high := AppContext{Identity: "P3", Authenticator: "Cm"}
	return map[string]AppContext{
		"https://refeds.org/profile/mfa":                           factors,
		"http://schemas.microsoft.com/claims/multipleauthn":        factors,
		"urn:gov:gsa:ac:classes:sp:PasswordProtectedTransport:duo": factors,
		saml + "MobileTwoFactorContract":                           factors,
		saml + "MobileTwoFactorUnregistered":                       factors,
		saml + "Smartcard":                                         factors,
		saml + "SmartcardPKI":                                      factors,
		saml + "SoftwarePKI":                                       factors,
		saml + "TimeSyncToken":                                     factors,
		saml + "TLSClient":                                         factors,
		saml + "X509":                                              factors,

		eidas + "low":         {Identity: "P1"},
		eidas + "substantial": medium,
		eidas + "high":        high,

		nist + "aal/2": factors,
		nist + "aal/3": hardware,
		nist + "ial/2": medium,
		nist + "ial/3": high,
		nist + "loa/2": {Identity: "P1"},
		nist + "loa/3": medium,
		nist + "loa/4": {Identity: "P3", Authenticator: "Ch"},
	}
}

// level is the least that a context means, as an operator writes it.
func (c AppContext) level() string {
	switch {
	case c.Authenticator == "":
		return "identity " + c.Identity
	case c.Identity == "P0":
		return "authenticator " + c.Authenticator
	}
	return "identity " + c.Identity + " and authenticator " + c.Authenticator
}
