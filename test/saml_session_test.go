package test

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/councilid/councilid/test/town"
)

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
						if err := results.add(way.name, k.name, false, err); err != nil {
							t.Errorf("%s, told by %s: %v", way.name, told, err)
						}
					}
				}
			})
		}
	})
	results.show(t)
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

// What a service provider shows of a refusal is its own affair; that it learns
// which one, is ours.
func TestPeersLearnWhyNobodyIsSignedIn(t *testing.T) {
	t.Parallel()
	for i, shows := range []struct{ noPassive, authnFailed string }{
		{"401 Unauthorized", "401 Unauthorized"}, // all that mellon says
		{"NoPassive", "AuthnFailed"},
		{"NoPassive", "AuthnFailed"},
		{"nobody is signed in", "Responder error"},
	} {
		t.Run(kinds[i].name, func(t *testing.T) {
			t.Parallel()
			council := town.Open(t, town.Options{})
			for _, p := range kinds[i].open(t, council) {
				browser := council.NewBrowser(t)
				if page := browser.Get(p.Passive); !strings.Contains(page.Body, shows.noPassive) {
					t.Errorf("asked by %s, nobody signed in and nobody to be asked: %s\n%s", p.asks, page, page.Body)
				}
				browser.Persona = "cancel"
				page := browser.Choose(browser.Get(p.Page), "works")
				if page := browser.Get(page.Link(t, "cancel")); !strings.Contains(page.Body, shows.authnFailed) {
					t.Errorf("asked by %s, cancelled: %s\n%s", p.asks, page, page.Body)
				}
			}
		})
	}
}

// An app may ask quietly, and may insist that the resident signs in again.
func TestPeersAskQuietlyOrInsist(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			council := town.Open(t, town.Options{})
			pair, browser := k.open(t, council), council.NewBrowser(t)
			council.NewClient(t, "tax").SignIn(browser, "works")
			calls := council.Providers["works"].Calls("authorization")
			if _, err := pair[0].signIn(browser, pair[0].Passive); err != nil {
				t.Errorf("quietly: %v", err)
			}
			if council.Providers["works"].Calls("authorization") != calls {
				t.Error("quietly, but the provider was asked")
			}
			if pair[0].Forced == "" {
				return
			}
			if _, err := pair[0].signIn(browser, pair[0].Forced); err != nil {
				t.Errorf("insisting: %v", err)
			}
			if council.Providers["works"].Calls("authorization") != calls+1 {
				t.Error("the app insisted, but the provider was not asked")
			}
		})
	}
}

// SimpleSAMLphp does not sign its logout messages unless it is told to. They
// are refused unless the operator says that they may come so.
func TestUnsignedLogoutMessages(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	k := kinds[2]
	pair := k.open(t, council)
	for _, p := range pair {
		p.Settings(t, map[string]any{"sign.logout": false})
		browser := council.NewBrowser(t)
		if _, err := p.signIn(browser, p.Page); err != nil {
			t.Fatal(err)
		}
		if page := browser.Get(p.SignOut); page.Status != http.StatusBadRequest {
			t.Errorf("asked by %s without a signature: %s", p.asks, page)
		}
		k.register(t, council, pair, "  logout: {insecure_unsigned: true}", redirect)
		if _, err := p.signIn(browser, p.Page); err != nil {
			t.Fatal(err)
		}
		if page := browser.Get(p.SignOut); page.URL.String() != p.Bye {
			t.Errorf("asked by %s without a signature, which is allowed: %s", p.asks, page)
		}
		k.register(t, council, pair, "", redirect)
	}
}

// A resident with two devices leaves with each on its own. mellon finds its
// sessions by name identifier alone, so that one which is the same on both
// devices keeps the second one signed in: its apps get transient ones.
func TestPeersOnTwoDevices(t *testing.T) {
	t.Parallel()
	results := newTable("NameID", kindNames()...)
	t.Run("of", func(t *testing.T) {
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				t.Parallel()
				council := town.Open(t, town.Options{})
				pair := k.open(t, council)
				for _, nameID := range []string{"persistent", "transient"} {
					for _, told := range k.told {
						k.register(t, council, pair, "  nameid: {formats: ["+nameID+"]}", told)
						err := pair[0].onTwoDevices(council.NewBrowser(t), council.NewBrowser(t))
						if err := results.add(nameID, k.name, k.name == "mellon" && nameID == "persistent", err); err != nil {
							t.Errorf("%s, told by %s: %v", nameID, told, err)
						}
					}
				}
			})
		}
	})
	results.show(t)
}

// onTwoDevices signs in at the app twice, and out with the second device and
// then with the first.
func (p *peer) onTwoDevices(one, other *town.Browser) error {
	for _, b := range []*town.Browser{one, other} {
		if _, err := p.signIn(b, p.Page); err != nil {
			return err
		}
	}
	if page := leave(other); p.knows(other) || !p.knows(one) {
		return fmt.Errorf("the second left, which led to %s: signed in there %t, on the first %t", page, p.knows(other), p.knows(one))
	}
	if page := leave(one); p.knows(one) {
		return fmt.Errorf("the first left, which led to %s, and is still signed in", page)
	}
	return nil
}
