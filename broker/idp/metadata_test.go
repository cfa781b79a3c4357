package idp_test

import (
	"encoding/xml"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/crewjam/saml"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

func TestMetadata(t *testing.T) {
	b := newBed(t)
	b.at(time.Date(2026, 11, 22, 10, 30, 0, 0, time.UTC))
	b.use("idp", "next")
	a := b.get(newBrowser(t), b.URL+"/saml/metadata")
	if a.Header.Get("Content-Type") != "application/samlmetadata+xml" || a.StatusCode != http.StatusOK {
		t.Errorf("status %d, %s", a.StatusCode, a.Header.Get("Content-Type"))
	}
	golden(t, "metadata.xml", b.plain([]byte(a.body)))
}

// Others read it, and believe it.
func TestMetadataIsRead(t *testing.T) {
	b := newBed(t)
	text := b.get(newBrowser(t), b.URL+"/saml/metadata").body
	e, err := metadata.Parse([]byte(text), metadata.IdentityProvider, b.entityID(), certificates("idp"), b.now())
	b.must(err)
	if len(e.Signing) != 1 || len(e.Encryption) != 1 || len(e.SSO) != 2 || len(e.SLO) != 3 || e.Scopes[0] != "strathmore.example" {
		t.Errorf("entity %+v", e)
	}
	var theirs saml.EntityDescriptor
	b.must(xml.Unmarshal([]byte(text), &theirs))
	if theirs.EntityID != b.entityID() || len(theirs.IDPSSODescriptors) != 1 {
		t.Errorf("entity %+v", theirs)
	}
}

// The document is signed once an hour, and again when there is a new key.
func TestMetadataIsMadeAnew(t *testing.T) {
	b := newBed(t)
	read := func() string { return b.get(newBrowser(t), b.URL+"/saml/metadata").body }
	first := read()
	b.pass(59 * time.Minute)
	if read() != first {
		t.Error("made for each who asks")
	}
	b.use("idp", "next")
	second := read()
	if second == first {
		t.Error("a new key is not published")
	}
	b.pass(time.Hour)
	if read() == second {
		t.Error("its end does not move on")
	}
}

// An app whose metadata cannot be had is told so; the others go on, and it goes
// on when the document is there.
func TestMetadataOfAppThatCannotBeHad(t *testing.T) {
	var there atomic.Bool
	document := library.metadata(t)
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if !there.Load() {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		io.WriteString(w, document)
	}))
	defer published.Close()
	b := newBed(t, planning.registered(t), library.registered(t, func(a *config.App) {
		a.SAML.Metadata = config.Metadata{URL: published.URL, EntityID: library.entityID, Refresh: time.Hour, KeepLastGood: 24 * time.Hour}
	}))
	b.ask(newBrowser(t), library, library.request(b), "").isPage(t, http.StatusServiceUnavailable)
	b.enter(newBrowser(t), planning)
	there.Store(true)
	b.pass(time.Minute)
	b.enter(newBrowser(t), library)
	there.Store(false)
	b.pass(2 * time.Hour)
	b.enter(newBrowser(t), library) // the last good one will do
}

// Metadata that is at hand expires for its own app, and does not keep the
// broker from starting.
func TestMetadataOfAppExpires(t *testing.T) {
	b := newBed(t, planning.registered(t), parking.registered(t))
	b.enter(newBrowser(t), planning)
	b.pass(25 * time.Hour)
	b.must(b.build([]config.App{planning.registered(t, func(a *config.App) {
		a.SAML.Metadata.Inline = strings.Replace(a.SAML.Metadata.Inline, `validUntil="`, `validUntil="2020-01-01T00:00:00Z" was="`, 1)
	}), parking.registered(t)}))
	b.ask(newBrowser(t), planning, planning.request(b), "").isPage(t, http.StatusServiceUnavailable)
	b.enter(newBrowser(t), parking)
}

func TestMetadataOfAppFromFile(t *testing.T) {
	b := newBed(t, library.registered(t, func(a *config.App) {
		a.SAML.Metadata = config.Metadata{File: writeFile(t, "library.xml", []byte(library.metadata(t)))}
	}))
	b.enter(newBrowser(t), library)
}

// A key that the app withdrew signs nothing any more, without a restart.
func TestWithdrawnKey(t *testing.T) {
	var document atomic.Value
	document.Store(planning.metadata(t))
	published := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, document.Load().(string))
	}))
	defer published.Close()
	b := newBed(t, planning.registered(t, func(a *config.App) {
		a.SAML.Metadata = config.Metadata{URL: published.URL, EntityID: planning.entityID, Refresh: time.Hour, KeepLastGood: time.Hour}
	}))
	b.enter(newBrowser(t), planning)
	document.Store(planning.metadata(t, func(p *metadata.Publication) { p.Certificates = certificates("planning's next") }))
	b.pass(2 * time.Hour) // longer than it may be kept
	b.ask(newBrowser(t), planning, planning.request(b), "").isPage(t, http.StatusBadRequest)
	a := b.get(newBrowser(t), b.redirect("/saml/sso", binding.Request, planning.request(b).Element(), "", key("planning's next")))
	if a.StatusCode != http.StatusSeeOther {
		t.Errorf("status %d", a.StatusCode)
	}
}

// Each of these mistakes keeps a configuration from being served.
func TestNewRefuses(t *testing.T) {
	b := newBed(t)
	library := func(change func(*config.App)) []config.App { return []config.App{library.registered(t, change)} }
	for name, apps := range map[string][]config.App{
		"no metadata":    library(func(a *config.App) { a.SAML.Metadata.Inline = "<x/>" }),
		"no file":        library(func(a *config.App) { a.SAML.Metadata = config.Metadata{File: "/nowhere"} }),
		"another entity": library(func(a *config.App) { a.SAML.Metadata.EntityID = "https://other.example" }),
		"unsigned":       library(func(a *config.App) { a.SAML.Metadata.Signer = certificateFile(t, "federation") }),
		"no signer":      library(func(a *config.App) { a.SAML.Metadata.Signer = "/nowhere" }),
		"no certificate": library(func(a *config.App) { a.SAML.Metadata.Signer = writeFile(t, "empty.pem", nil) }),
		"nameid.value":   library(func(a *config.App) { a.SAML.NameID.Value = "claims." }),
		"release":        library(func(a *config.App) { a.Release = []config.Release{{As: "nmae"}} }),
		"no consumer service": library(func(a *config.App) {
			a.SAML.Metadata.Inline = strings.ReplaceAll(a.SAML.Metadata.Inline, binding.POST, binding.Artifact)
		}),
		"two of one entityID": {parking.registered(t), parking.registered(t, func(a *config.App) { a.ID = "twin" })},
	} {
		if err := b.build(apps); err == nil {
			t.Errorf("%s: served", name)
		}
	}
}
