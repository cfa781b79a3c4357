package peers_test

import (
	"testing"

	"github.com/councilid/councilid/test/peers"
	"github.com/councilid/councilid/test/town"
)

// The bench without the broker: each service provider against SimpleSAMLphp.
// What fails here is no fault of ours.
func TestPeersAmongThemselves(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string, []byte) *peers.ServiceProvider{
		"mellon": peers.Mellon, "shibboleth": peers.Shibboleth, "simplesamlphp": peers.SimpleSAMLphp, "node-saml": peers.NodeSAML,
	} {
		t.Run(name, func(t *testing.T) {
			idp := peers.SimpleSAMLphpIDP(t, "127.0.0.2")
			sp := start(t, "127.0.0.3", idp.Metadata)
			idp.Trust(sp.Metadata)
			browser := town.NewBrowser(t)
			page := browser.Submit(browser.Get(sp.Page), map[string]string{"username": "alice", "password": "alice"})
			person, ok := peers.Read(page.Body)
			if !ok || person.Subject == "" || person.Name != "Alice Jane Morgan" || person.Email != "alice.morgan@example.org" {
				t.Errorf("%s shows %v\n%s", page, person, page.Body)
			}
			if page := browser.Get(sp.SignOut); page.URL.String() != sp.Bye {
				t.Errorf("signing out leads to %s\n%s", page, page.Body)
			}
			if page := browser.Get(sp.Page); page.URL.Hostname() != "127.0.0.2" {
				t.Errorf("after signing out: %s\n%s", page, page.Body)
			}
		})
	}
}
