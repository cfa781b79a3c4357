package config

import "strings"

// promised is the least that everybody takes a context class to mean, where
// that is more than that somebody signed in. Identity that is more than low
// needs a strong sign-in: a password alone would lend it to whoever guesses it.
func promised(class string) Assurance {
	name, _, _ := strings.Cut(class, "?") // idmanagement.gov: aal/2?phishing_resistant=true
	return strongClasses()[name]
}

func strongClasses() map[string]Assurance {
	const (
		saml  = "urn:oasis:names:tc:SAML:2.0:ac:classes:" // SAML Authentication Context §3.4
		eidas = "http://eidas.europa.eu/LoA/"
		nist  = "http://idmanagement.gov/ns/assurance/"
	)
	factors := Assurance{Authenticator: "Cm"}
	hardware := Assurance{Authenticator: "Ch"}
	medium := Assurance{Identity: "P2", Authenticator: "Cm"}
	high := Assurance{Identity: "P3", Authenticator: "Cm"}
	strong := map[string]Assurance{
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

		// OpenID Connect Extended Authentication Profile (EAP) ACR Values 1.0 §4.
		"phr":  {Phishing: "F1"},
		"phrh": {Phishing: "F1"},

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
	for _, c := range contexts() { // what our manual says of them
		strong[c.ACR] = c.Assurance
	}
	return strong
}
