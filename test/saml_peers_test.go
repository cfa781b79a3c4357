package test

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/councilid/councilid/test/peers"
	"github.com/councilid/councilid/test/town"
)

// The bindings of SAML, by the end of their names.
const (
	redirect = "HTTP-Redirect"
	post     = "HTTP-POST"
	soap     = "SOAP"
)

// kind is one make of service provider.
type kind struct {
	name  string
	start func(testing.TB, string, []byte) *peers.ServiceProvider
	hosts [2]string // a site to each that is started
	told  []string  // the bindings by which it is told of a sign-out
	// posts says that it can post its own logout messages. Otherwise they go by
	// redirect, whatever its requests do.
	posts bool
	// asynchronous says that it wants no answer when it starts a sign-out, so
	// that the resident stays at the broker (Asynchronous Single Logout 1.0).
	asynchronous bool
}

var kinds = []kind{
	{"mellon", peers.Mellon, [2]string{"127.0.1.1", "127.0.2.1"}, []string{redirect, soap}, false, false},
	{"shibboleth", peers.Shibboleth, [2]string{"127.0.1.2", "127.0.2.2"}, []string{redirect, post, soap}, true, true},
	{"simplesamlphp", peers.SimpleSAMLphp, [2]string{"127.0.1.3", "127.0.2.3"}, []string{redirect, post}, true, false},
	{"node-saml", peers.NodeSAML, [2]string{"127.0.1.4", "127.0.2.4"}, []string{redirect, post}, false, false},
}

func kindNames() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// peer is an app of the town behind a real service provider.
type peer struct {
	*peers.ServiceProvider
	id   string // of the app
	asks string // the binding of its messages
}

// open starts a service provider twice, once for each binding of requests, and
// registers both with the town.
func (k kind) open(t *testing.T, council *town.Town) []*peer {
	t.Helper()
	showLog(t, council)
	document := peers.Fetch(t, council.Issuer+"/saml/metadata")
	var pair []*peer
	for i, binding := range []string{redirect, post} {
		idp := only(document, "SingleSignOnService", binding)
		if k.posts {
			idp = only(idp, "SingleLogoutService", binding)
		}
		p := &peer{ServiceProvider: k.start(t, k.hosts[i], idp), asks: binding}
		p.id = k.name + strings.TrimPrefix(strings.ToLower(binding), "http")
		pair = append(pair, p)
	}
	k.register(t, council, pair, "", k.told[0])
	return pair
}

// showLog shows the end of the broker's log should the test fail.
func showLog(t *testing.T, council *town.Town) {
	t.Cleanup(func() {
		if log := council.Log.String(); t.Failed() {
			t.Logf("the end of the broker's log:\n%s", log[max(0, len(log)-10_000):])
		}
	})
}

// register registers the apps with these settings, to be told of a sign-out by
// one binding. Answers go by redirect where that is SOAP.
func (k kind) register(t *testing.T, council *town.Town, pair []*peer, settings, told string) {
	t.Helper()
	for _, p := range pair {
		bindings := []string{told}
		if told == soap {
			bindings = append(bindings, redirect)
		}
		council.Write(t, p.id+".xml", string(only(p.Metadata, "SingleLogoutService", bindings...)))
		council.Write(t, "apps/"+p.id+".yaml", fmt.Sprintf(`
label: %s
saml:
  metadata: {file: %[1]s.xml}
  start: true
  targets: [%q]
%s
sector: tax
release: [name, email]
`, p.id, p.Page, settings))
	}
	if err := council.Reload(); err != nil {
		t.Fatal(err)
	}
}

// only leaves of one service's endpoints those of the bindings.
func only(document []byte, service string, bindings ...string) []byte {
	endpoint := regexp.MustCompile(`<(?:\w+:)?` + service + `\b[^>]*Binding="[^"]*:([^":]*)"[^>]*/>`)
	return endpoint.ReplaceAllFunc(document, func(tag []byte) []byte {
		if slices.Contains(bindings, string(endpoint.FindSubmatch(tag)[1])) {
			return tag
		}
		return nil
	})
}

// signIn has the resident sign in from start, by their staff account if asked,
// and reads what the app shows.
func (p *peer) signIn(b *town.Browser, start string) (peers.Person, error) {
	page := b.Choose(b.Get(start), "works")
	person, ok := peers.Read(page.Body)
	if !ok {
		return person, fmt.Errorf("led to %s\n%s", page, page.Body)
	}
	if person.Subject == "" || person.Name != alice.Name || person.Email != alice.Email {
		return person, fmt.Errorf("the app was told %v", person)
	}
	return person, nil
}

// alice is what apps are told of the persona with the full record.
var alice = peers.Person{Name: "Alice Jane Morgan", Email: "alice.morgan@example.org"}

// knows reports whether somebody is signed in at the app. It signs nobody in.
func (p *peer) knows(b *town.Browser) bool {
	_, ok := peers.Read(b.Step("GET", p.Page, nil).Body)
	return ok
}

// leave signs out at the broker's own page.
func leave(b *town.Browser) town.Page {
	b.Get("/sign-out")
	return b.Post("/sign-out", url.Values{})
}
