package config_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/config"
)

// An app that asks for a strong sign-in by a well-known name must not be told
// that it was one by whoever wrote the name down.
func TestStrongClasses(t *testing.T) {
	setTestEnv(t)
	const saml = "urn:oasis:names:tc:SAML:2.0:ac:classes:"
	for _, c := range []struct{ class, below, level string }{
		{"https://refeds.org/profile/mfa", "authenticator: Cl", "authenticator: Cm"},
		{"https://refeds.org/profile/mfa", "identity: P4", "authenticator: Cm"},
		{"http://schemas.microsoft.com/claims/multipleauthn", "authenticator: Cl", "authenticator: Cm"},
		{"urn:gov:gsa:ac:classes:sp:PasswordProtectedTransport:duo", "authenticator: Cl", "authenticator: Cm"},
		{saml + "MobileTwoFactorContract", "authenticator: Cl", "authenticator: Cm"},
		{saml + "MobileTwoFactorUnregistered", "authenticator: Cl", "authenticator: Cm"},
		{saml + "Smartcard", "authenticator: Cl", "authenticator: Cm"},
		{saml + "SmartcardPKI", "authenticator: Cl", "authenticator: Cm"},
		{saml + "SoftwarePKI", "authenticator: Cl", "authenticator: Cm"},
		{saml + "TimeSyncToken", "authenticator: Cl", "authenticator: Cm"},
		{saml + "TLSClient", "authenticator: Cl", "authenticator: Cm"},
		{saml + "X509", "authenticator: Cl", "authenticator: Cm"},
		{"http://eidas.europa.eu/LoA/low", "authenticator: Ch", "identity: P1"},
		{"http://eidas.europa.eu/LoA/substantial", "identity: P1, authenticator: Cm", "identity: P2, authenticator: Cm"},
		{"http://eidas.europa.eu/LoA/substantial", "identity: P2, authenticator: Cl", "identity: P2, authenticator: Cm"},
		{"http://eidas.europa.eu/LoA/high", "identity: P2, authenticator: Cm", "identity: P3, authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/aal/2", "authenticator: Cl", "authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/aal/2?phishing_resistant=true", "authenticator: Cl", "authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/aal/3", "authenticator: Cm", "authenticator: Ch"},
		{"http://idmanagement.gov/ns/assurance/ial/2", "identity: P1, authenticator: Cm", "identity: P2, authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/ial/3", "identity: P2, authenticator: Cm", "identity: P3, authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/loa/2", "identity: P0", "identity: P1"},
		{"http://idmanagement.gov/ns/assurance/loa/3", "authenticator: Cm", "identity: P2, authenticator: Cm"},
		{"http://idmanagement.gov/ns/assurance/loa/4", "identity: P3, authenticator: Cm", "identity: P3, authenticator: Ch"},
		{saml + "PasswordProtectedTransport", "", "authenticator: Cl"},
	} {
		if err := asksFor(t, c.class, c.below); err == nil || !strings.Contains(err.Error(), "contexts[0] must") {
			t.Errorf("%s with %s: %v", c.class, c.below, err)
		}
		if err := asksFor(t, c.class, c.level); err != nil {
			t.Errorf("%s with %s: %v", c.class, c.level, err)
		}
	}
}

// asksFor loads a folder in which an app is told of sign-ins of a level by a
// class.
func asksFor(t *testing.T, class, level string) error {
	t.Helper()
	entry := fmt.Sprintf("{class: %q, %s}", class, level)
	dir, presets := writeFolder(t, parseArchive(t, "testdata/base.txtar").Files, []txtar.File{
		{Name: "apps/planning.yaml", Data: []byte("label: Planning\nsaml: {metadata: {file: sp.xml}, contexts: [" + entry + "]}\n")},
	})
	_, err := config.Load(dir, presets)
	return err
}
