package test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/councilid/councilid/test/town"
)

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
				k.takesAll(t, results)
			})
		}
	})
	results.show(t)
}

func (k kind) takesAll(t *testing.T, results *table) {
	council := town.Open(t, town.Options{})
	pair := k.open(t, council)
	for _, v := range variations() {
		for _, told := range k.told {
			k.register(t, council, pair, v.settings, told)
			for _, p := range pair {
				for _, start := range []string{p.Page, "/saml/start/" + p.id} {
					err := p.inAndOut(council.NewBrowser(t), v, start)
					if err := results.add(v.name, k.name, slices.Contains(v.refusing, k.name), err); err != nil {
						t.Errorf("%s, asking by %s at %s, told by %s: %v", v.name, p.asks, start, told, err)
					}
				}
			}
		}
	}
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
