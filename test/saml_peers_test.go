package test

import (
	"errors"
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
	page := choose(b, b.Get(start), "works")
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

// choose goes on through a connector where the broker asks by which.
func choose(b *town.Browser, page town.Page, connector string) town.Page {
	if page.URL.Path != "/choose" {
		return page
	}
	return b.Get("/start/" + connector + "?" + page.URL.RawQuery)
}

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

// variation is one way for the broker to answer apps.
type variation struct {
	name     string
	settings string
	nameID   string
	refusing []string // the kinds that are known not to accept it
}

// variations are all ways to sign, encrypt and name, and then what is unusual.
func variations() []variation {
	var all []variation
	for _, sign := range []string{"assertion", "response", "both"} {
		for _, encryption := range []string{"none", "aes256-cbc", "aes256-gcm"} {
			for _, nameID := range []string{"persistent", "transient", "email"} {
				v := variation{
					name: fmt.Sprintf("%-9s  %-10s  %s", sign, encryption, nameID), nameID: nameID,
					settings: fmt.Sprintf("  sign: %s\n  nameid: {formats: [%s]}", sign, nameID),
				}
				if encryption != "none" {
					v.settings += "\n  encrypt: always\n  encryption: " + encryption
				}
				all = append(all, v)
			}
		}
	}
	return append(all,
		variation{name: "rsa-sha384", settings: "  algorithm: rsa-sha384", refusing: []string{"node-saml"}},
		variation{name: "rsa-sha512", settings: "  algorithm: rsa-sha512"},
		variation{name: "aes128-cbc", settings: "  encrypt: always\n  encryption: aes128-cbc"},
		variation{name: "aes128-gcm", settings: "  encrypt: always\n  encryption: aes128-gcm"},
		variation{
			name: "rsa-oaep with SHA-256", settings: "  encrypt: always\n  key_transport: rsa-oaep",
			refusing: []string{"mellon", "simplesamlphp", "node-saml"},
		},
		variation{name: "no qualifiers", settings: "  nameid: {qualifiers: false}"},
		variation{name: "attributes: oid", settings: "  attributes: oid"},
	)
}

// Every service provider takes every way to be answered, whichever side starts
// and by whichever binding it asks and is told of the sign-out.
func TestPeersTakeEveryVariation(t *testing.T) {
	t.Parallel()
	results := newTable("signed     encrypted   NameID", kindNames()...)
	t.Run("by", func(t *testing.T) {
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				council := town.Open(t, town.Options{})
				pair := k.open(t, council)
				for _, v := range variations() {
					for _, told := range k.told {
						k.register(t, council, pair, v.settings, told)
						for _, p := range pair {
							for _, start := range []string{p.Page, "/saml/start/" + p.id} {
								err := p.inAndOut(council.NewBrowser(t), v, start)
								results.add(v.name, k.name, err == nil)
								if refuses := slices.Contains(v.refusing, k.name); refuses != (err != nil) {
									t.Errorf("%s, asking by %s at %s, told by %s: %v", v.name, p.asks, start, told, err)
								}
							}
						}
					}
				}
			})
		}
	})
	t.Log(results)
}

// inAndOut signs somebody in, and out at the broker.
func (p *peer) inAndOut(b *town.Browser, v variation, start string) error {
	person, err := p.signIn(b, start)
	if err != nil {
		return err
	}
	if v.nameID == "email" && person.Subject != alice.Email {
		return fmt.Errorf("the NameID is %q", person.Subject)
	}
	if page := leave(b); p.knows(b) {
		return fmt.Errorf("still signed in after signing out at the broker, which led to %s", page)
	}
	return nil
}

// One sign-in serves every app, whatever it speaks, and whoever signs out signs
// out of them all: from an app of either protocol, or at the broker.
func TestPeersShareOneSession(t *testing.T) {
	t.Parallel()
	results := newTable("signed out", kindNames()...)
	t.Run("with", func(t *testing.T) {
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				council := town.Open(t, town.Options{})
				pair, tax := k.open(t, council), council.NewClient(t, "tax")
				for _, way := range k.waysOut(pair) {
					for _, told := range k.told {
						k.register(t, council, pair, "", told)
						err := shareAndLeave(council, council.NewBrowser(t), pair, tax, way)
						results.add(way.name, k.name, err == nil)
						if err != nil {
							t.Errorf("%s, told by %s: %v", way.name, told, err)
						}
					}
				}
			})
		}
	})
	t.Log(results)
}

// wayOut is where somebody signs out, and where that has to lead.
type wayOut struct {
	name  string
	leave func(*town.Browser, *town.Client, town.Tokens) town.Page
	to    string // "" for the broker's own page
}

func (k kind) waysOut(pair []*peer) []wayOut {
	ways := []wayOut{
		{name: "at the broker", leave: func(b *town.Browser, _ *town.Client, _ town.Tokens) town.Page { return leave(b) }},
		{name: "at an OpenID app", to: town.App + "/tax/bye", leave: func(b *town.Browser, _ *town.Client, tokens town.Tokens) town.Page {
			return b.Get("/end_session?" + url.Values{
				"id_token_hint": {tokens.Raw}, "post_logout_redirect_uri": {town.App + "/tax/bye"},
			}.Encode())
		}},
	}
	for _, p := range pair {
		way := wayOut{
			name: "at the app that asks by " + p.asks, to: p.Bye,
			leave: func(b *town.Browser, _ *town.Client, _ town.Tokens) town.Page { return b.Get(p.SignOut) },
		}
		if k.asynchronous {
			way.to = ""
		}
		ways = append(ways, way)
	}
	return ways
}

// shareAndLeave signs somebody in at an OpenID app, goes from there to the
// others, and leaves.
func shareAndLeave(council *town.Town, b *town.Browser, pair []*peer, tax *town.Client, way wayOut) error {
	tokens := tax.SignIn(b, "works")
	calls := council.Providers["works"].Calls("authorization")
	for _, p := range pair {
		person, err := p.signIn(b, p.Page)
		if err != nil {
			return fmt.Errorf("single sign-on: %w", err)
		}
		if person.Subject != tokens.ID.Subject {
			return fmt.Errorf("two apps of one sector know the resident as %s and %s", tokens.ID.Subject, person.Subject)
		}
	}
	if council.Providers["works"].Calls("authorization") != calls {
		return errors.New("single sign-on went to the provider")
	}
	page := way.leave(b, tax, tokens)
	if way.to != "" && page.URL.String() != way.to {
		return fmt.Errorf("signing out led to %s\n%s", page, page.Body)
	}
	for _, p := range pair {
		if p.knows(b) {
			return fmt.Errorf("the app that asks by %s still knows the resident; signing out led to %s", p.asks, page)
		}
	}
	if page := b.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
		return fmt.Errorf("the broker still knows the resident: %s", page)
	}
	return nil
}
