package connectors

import "slices"

// ladders are the authentication context classes of which it is known that
// each is stronger than the one before.
var ladders = [...][]string{
	{
		"urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified",
		"urn:oasis:names:tc:SAML:2.0:ac:classes:Password",
		"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
	},
	{
		"http://eidas.europa.eu/LoA/low",
		"http://eidas.europa.eu/LoA/substantial",
		"http://eidas.europa.eu/LoA/high",
	},
	{
		"https://www.spid.gov.it/SpidL1",
		"https://www.spid.gov.it/SpidL2",
		"https://www.spid.gov.it/SpidL3",
	},
	{ // as DigiD has them
		"urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
		"urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract",
		"urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard",
		"urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI",
	},
}

// meets reports whether the context that was asserted is what was asked for
// (Core §3.3.2.2.1). A provider may ignore the question, so the answer is
// looked at. Where a comparison is left to the provider to judge, its answer is
// believed unless it is known to be weaker.
func meets(got string, asked []string, comparison string) bool {
	if len(asked) == 0 || comparison == "maximum" {
		return true
	}
	exact := slices.Contains(asked, got)
	switch comparison {
	case "minimum":
		return exact || got != "" && slices.ContainsFunc(asked, func(class string) bool { return !weaker(got, class) })
	case "better":
		return got != "" && !exact && !slices.ContainsFunc(asked, func(class string) bool { return weaker(got, class) })
	}
	return exact
}

// weaker reports whether a is known to be weaker than b. Passwords are weaker
// than whatever is on no ladder with them.
func weaker(a, b string) bool {
	passwords := ladders[0]
	for _, ladder := range ladders {
		i, j := slices.Index(ladder, a), slices.Index(ladder, b)
		if i >= 0 && j >= 0 {
			return i < j
		}
	}
	return slices.Contains(passwords, a) && !slices.Contains(passwords, b)
}
