package connectors

import "testing"

func TestMeets(t *testing.T) {
	const (
		none, plain, tls       = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified", "urn:oasis:names:tc:SAML:2.0:ac:classes:Password", "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"
		low, substantial, high = "http://eidas.europa.eu/LoA/low", "http://eidas.europa.eu/LoA/substantial", "http://eidas.europa.eu/LoA/high"
		sms, card, chip        = "urn:oasis:names:tc:SAML:2.0:ac:classes:MobileTwoFactorContract", "urn:oasis:names:tc:SAML:2.0:ac:classes:Smartcard", "urn:oasis:names:tc:SAML:2.0:ac:classes:SmartcardPKI"
		spid1, spid2           = "https://www.spid.gov.it/SpidL1", "https://www.spid.gov.it/SpidL2"
		mfa, token             = "https://refeds.org/profile/mfa", "urn:oasis:names:tc:SAML:2.0:ac:classes:TimeSyncToken"
	)
	for _, test := range []struct {
		got        string
		comparison string
		asked      []string
		want       bool
	}{
		{"", "exact", nil, true},
		{none, "exact", nil, true},

		{mfa, "exact", []string{mfa}, true},
		{token, "exact", []string{mfa, token}, true},
		{tls, "exact", []string{mfa, token}, false},
		{high, "exact", []string{low}, false},
		{"", "exact", []string{low}, false},
		{mfa, "", []string{token}, false},

		{substantial, "minimum", []string{substantial}, true},
		{high, "minimum", []string{substantial}, true},
		{low, "minimum", []string{substantial}, false},
		{low, "minimum", []string{high, low}, true},
		{tls, "minimum", []string{low}, false},
		{tls, "minimum", []string{plain}, true},
		{plain, "minimum", []string{tls}, false},
		{none, "minimum", []string{mfa}, false},
		{token, "minimum", []string{mfa}, true}, // the provider's to judge
		{"", "minimum", []string{none}, false},

		{tls, "minimum", []string{card}, false},
		{sms, "minimum", []string{card}, false},
		{chip, "minimum", []string{card}, true},
		{spid1, "minimum", []string{spid2}, false},
		{spid2, "minimum", []string{spid1}, true},

		{high, "better", []string{substantial}, true},
		{substantial, "better", []string{substantial}, false},
		{low, "better", []string{substantial}, false},
		{mfa, "better", []string{tls}, true},
		{tls, "better", []string{plain, mfa}, false},
		{"", "better", []string{plain}, false},

		{low, "maximum", []string{substantial}, true},
		{"", "maximum", []string{substantial}, true},
	} {
		if got := meets(test.got, test.asked, test.comparison); got != test.want {
			t.Errorf("%q meets %s %v: %t", test.got, test.comparison, test.asked, got)
		}
	}
}
