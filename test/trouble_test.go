package test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/test/town"
)

// Every fault of every simulated provider ends as its row says, with a page
// that leaves a choice, and none as an identity.
func TestProviderTrouble(t *testing.T) {
	t.Parallel()
	for _, connector := range allConnectors {
		t.Run(connector, func(t *testing.T) {
			t.Parallel()
			council := town.Open(t, town.Options{})
			for _, fault := range council.Providers[connector].Faults() {
				if fault.ID == "token-slow" || fault.Artefact == simulator.Logout {
					continue // takes the connector's whole time-out; strikes later
				}
				t.Run(fault.ID, func(t *testing.T) {
					// A new circuit breaker: the fault before may have opened it.
					if err := council.Reload(); err != nil {
						t.Fatal(err)
					}
					browser, tax := council.NewBrowser(t), council.NewClient(t, "tax")
					if fault.ID == "replayed-assertion" {
						tax.SignIn(council.NewBrowser(t), connector)
					}
					a, logged := tax.Ask("connector_hint", connector), len(council.Log.String())
					if err := council.Providers[connector].SetFault(fault.ID); err != nil {
						t.Fatal(err)
					}
					page := browser.Get(a.URL)
					if err := council.Providers[connector].SetFault(""); err != nil {
						t.Fatal(err)
					}
					judge(t, council.Log.String()[logged:], tax, a, page, fault.ID, fault.Expect)
				})
			}
		})
	}
}

func judge(t *testing.T, log string, tax *town.Client, a town.Ask, page town.Page, fault string, want connectors.Outcome) {
	t.Helper()
	switch {
	case want == "":
		tax.Redeem(a, page)
	case page.AtApp():
		t.Errorf("the app was told of a sign-in: %s", page)
	case fault == "down" && page.Status == http.StatusServiceUnavailable:
		// No discovery comes first (OAuth 2.0): the browser finds out by itself.
	case strings.HasPrefix(fault, "state-"):
		// An answer that belongs to no login of this browser.
		if page.Status != http.StatusBadRequest {
			t.Errorf("led to %s", page)
		}
	default:
		if page.URL.Path != "/choose" || page.Status != http.StatusOK {
			t.Errorf("led to %s, want the choice with a notice", page)
		}
		if !strings.Contains(log, `"outcome":"`+string(want)+`"`) {
			t.Errorf("the log names no outcome %s", want)
		}
	}
}

func TestAnUnreachableProviderLeavesAChoice(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	library := council.NewClient(t, "library")
	council.Providers["works"].SetDown(true)
	browser := council.NewBrowser(t)
	a := library.Ask("connector_hint", "works")
	page := browser.Get(a.URL)
	if page.Status != http.StatusOK || page.URL.Path != "/choose" {
		t.Fatalf("a dead provider led to %s", page)
	}
	library.Redeem(a, browser.Get(page.Link(t, "idp-google")))
}

// A provider whose answer to a sign-out cannot be trusted, or that did not end
// its session, is named: the resident may still be signed in there.
func TestProviderTroubleAtSignOut(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	tax := council.NewClient(t, "tax")
	for _, fault := range council.Providers["adfs"].Faults() {
		if fault.Artefact != simulator.Logout {
			continue
		}
		browser := council.NewBrowser(t)
		tax.SignIn(browser, "adfs")
		if err := council.Providers["adfs"].SetFault(fault.ID); err != nil {
			t.Fatal(err)
		}
		page := leave(browser)
		if fault.Expect == connectors.Refused {
			if page.Status != http.StatusBadRequest {
				t.Errorf("%s: the answer was believed: %s", fault.ID, page)
			}
			page = leave(browser) // goes on without the provider
		}
		if page.Status != http.StatusOK || !strings.Contains(page.Body, "You may still be signed in to Your work account") {
			t.Errorf("%s: the provider is not named: %s", fault.ID, page)
		}
		if err := council.Providers["adfs"].SetFault(""); err != nil {
			t.Fatal(err)
		}
		if page := browser.Get(tax.Ask("prompt", "none").URL); page.Query("error") != "login_required" {
			t.Errorf("%s: the broker still knows the resident: %s", fault.ID, page)
		}
	}
}
