package peers

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/councilid/councilid/test/servers"
)

// phpWWW is what SimpleSAMLphp serves, as Debian installs it.
const phpWWW = "/usr/share/simplesamlphp/www"

// simpleSAMLphp starts SimpleSAMLphp in PHP's own web server.
func simpleSAMLphp(tb testing.TB, host string) (base, folder string) {
	tb.Helper()
	php := servers.Program(tb, "simplesamlphp", "php")
	if _, err := os.Stat(phpWWW); err != nil {
		servers.Missing(tb, "simplesamlphp", err.Error())
	}
	folder, addr := servers.Folder(tb), servers.Free(tb, host)
	base = "http://" + addr
	credential(tb, folder)
	settle(tb, folder, map[string]string{"Base": base, "Folder": folder, "Salt": "a salt of the test"},
		"config.php", "authsources.php", "saml20-idp-hosted.php", "router.php")
	set(tb, folder, struct{}{})
	servers.Run(tb, folder, []string{"SIMPLESAMLPHP_CONFIG_DIR=" + folder}, servers.Listening(addr),
		php, "-d", "opcache.enable_cli=1", "-d", "opcache.revalidate_freq=0", "-S", addr, "-t", phpWWW, filepath.Join(folder, "router.php"))
	return base, folder
}

// SimpleSAMLphp starts SimpleSAMLphp as service provider. It signs its logout
// messages, which it does not do by default.
func SimpleSAMLphp(tb testing.TB, host string, idp []byte) *ServiceProvider {
	tb.Helper()
	base, folder := simpleSAMLphp(tb, host)
	write(tb, filepath.Join(folder, "remote.xml"), idp)
	return &ServiceProvider{
		folder: folder,
		Name:   "simplesamlphp", EntityID: base + "/sp", Page: base + "/page",
		Passive: base + "/page?passive", Forced: base + "/force", SignOut: base + "/sign-out", Bye: base + "/bye",
		Metadata: Fetch(tb, base+"/module.php/saml/sp/metadata.php/sp"),
	}
}

// Settings changes settings of the service provider, which is SimpleSAMLphp.
func (p *ServiceProvider) Settings(tb testing.TB, settings map[string]any) {
	tb.Helper()
	set(tb, p.folder, settings)
}

// set writes the settings that SimpleSAMLphp reads at every request.
func set(tb testing.TB, folder string, settings any) {
	tb.Helper()
	text, err := json.Marshal(settings)
	if err != nil {
		tb.Fatal(err)
	}
	write(tb, filepath.Join(folder, "settings.json"), text)
}

// IdentityProvider is a SimpleSAMLphp that people sign in at by name and
// password: see [IdentityProvider.Users].
type IdentityProvider struct {
	EntityID string
	Metadata []byte
	SignOut  string // ends its session and those of its service providers, and leads to Bye
	Bye      string // for everybody

	tb     testing.TB
	base   string
	folder string
}

// Manner is how the identity provider answers.
type Manner struct {
	SignAssertion bool   `json:"saml20.sign.assertion"`
	SignResponse  bool   `json:"saml20.sign.response"`
	Encrypt       bool   `json:"assertion.encryption"` // with AES-128-CBC, all that it can
	NameIDFormat  string `json:"NameIDFormat,omitempty"`
}

// SimpleSAMLphpIDP starts SimpleSAMLphp as identity provider. It takes
// nothing that is not signed.
func SimpleSAMLphpIDP(tb testing.TB, host string) *IdentityProvider {
	tb.Helper()
	base, folder := simpleSAMLphp(tb, host)
	p := &IdentityProvider{
		EntityID: base + "/idp", Bye: base + "/bye", SignOut: base + "/saml2/idp/SingleLogoutService.php?ReturnTo=" + base + "/bye",
		tb: tb, base: base, folder: folder,
	}
	p.Answer(Manner{SignAssertion: true})
	p.Metadata = Fetch(tb, base+"/saml2/idp/metadata.php")
	return p
}

// Answer has it answer in another manner from now on.
func (p *IdentityProvider) Answer(m Manner) {
	p.tb.Helper()
	set(p.tb, p.folder, m)
}

// Trust makes a service provider known to it.
func (p *IdentityProvider) Trust(metadata []byte) {
	p.tb.Helper()
	write(p.tb, filepath.Join(p.folder, "remote.xml"), metadata)
}

// Unsolicited is where a person goes who starts at the identity provider.
func (p *IdentityProvider) Unsolicited(sp string) string {
	return p.base + "/saml2/idp/SSOService.php?spentityid=" + sp
}
