package connectors_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
)

func TestAuthnRequest(t *testing.T) {
	h := newHandmade(t)
	a := h.attempt()
	start, err := h.open().Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	got, err := message.ParseAuthnRequest(h.readByProvider(start))
	if err != nil {
		t.Fatal(err)
	}
	want := message.AuthnRequest{
		Header: message.Header{ID: "id-" + a.Nonce, IssueInstant: h.clock.Now(), Destination: idp + "/sso", Issuer: spEntityID},
		ACSURL: callbackURL, ProtocolBinding: binding.POST, AllowCreate: true,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("request (-want +got):\n%s", diff)
	}
}

func TestAuthnRequestSettings(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Request.NameIDFormat = "persistent"
	h.cfg.SAML.Request.Contexts = []string{"urn:a", "urn:b"}
	h.cfg.SAML.Request.Comparison = "minimum"
	h.cfg.SAML.Response.Binding = "artifact"
	a := h.attempt()
	a.Force = true
	ask := func() message.AuthnRequest {
		start, err := h.open().Start(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		got, err := message.ParseAuthnRequest(h.readByProvider(start))
		if err != nil {
			t.Fatal(err)
		}
		return got
	}
	got := ask()
	if got.NameIDFormat != message.Persistent || !got.ForceAuthn || got.ProtocolBinding != binding.Artifact ||
		!slices.Equal(got.Contexts, []string{"urn:a", "urn:b"}) || got.Comparison != "minimum" {
		t.Errorf("request is %+v", got)
	}
	for name, want := range map[string]string{
		"transient": message.Transient, "email": message.Email, "unspecified": message.Unspecified, "urn:own": "urn:own",
	} {
		h.cfg.SAML.Request.NameIDFormat = name
		if got := ask().NameIDFormat; got != want {
			t.Errorf("format %s is asked for as %s", name, got)
		}
	}
}

func TestAuthnRequestOfEIDAS(t *testing.T) {
	const space = "http://eidas.europa.eu/saml-extensions"
	h := newHandmade(t)
	h.cfg.SAML.Request.EIDAS = &config.EIDAS{SPType: "private", Attributes: []string{"urn:a", "urn:b"}}
	start, err := h.open().Start(t.Context(), h.attempt())
	if err != nil {
		t.Fatal(err)
	}
	extensions := h.readByProvider(start).Child(message.Protocol, "Extensions")
	if got := extensions.Child(space, "SPType").Text(); got != "private" {
		t.Errorf("SPType is %q", got)
	}
	asked := extensions.Child(space, "RequestedAttributes").Children(space, "RequestedAttribute")
	if len(asked) != 2 || asked[1].Attr("Name") != "urn:b" || asked[1].Attr("isRequired") != "true" {
		t.Errorf("%d attributes asked for", len(asked))
	}
}

func TestStartWithoutTheBinding(t *testing.T) {
	h := newHandmade(t) // whose metadata has redirect alone
	h.cfg.SAML.Request.Binding = "post"
	_, err := h.open().Start(t.Context(), h.attempt())
	wantOutcome(t, nil, err, connectors.Misconfigured)
}

func TestContextIsHeld(t *testing.T) {
	const low, high = "http://eidas.europa.eu/LoA/low", "http://eidas.europa.eu/LoA/high"
	h := newHandmade(t)
	h.cfg.SAML.Request.Contexts, h.cfg.SAML.Request.Comparison = []string{low}, "minimum"
	for context, met := range map[string]bool{low: true, high: true, "urn:oasis:names:tc:SAML:2.0:ac:classes:Password": false, "": false} {
		a := h.attempt()
		s := h.statement(a)
		s.Context = context
		got, err := h.finish(a, s)
		if !met {
			wantOutcome(t, got, err, connectors.Unmet)
		} else if err != nil || got.ACR != context {
			t.Errorf("%s: %+v, %v", context, got, err)
		}
	}
}

// SPID wants the broker's name with its format, and the attributes by number.
func TestAuthnRequestOfSPID(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Request.QualifiedIssuer = true
	h.cfg.SAML.Request.AttributeIndex = new(0)
	h.cfg.SAML.Request.NameIDFormat = "transient"
	start, err := h.open().Start(t.Context(), h.attempt())
	if err != nil {
		t.Fatal(err)
	}
	request := h.readByProvider(start)
	issuer := request.Child(message.Assertion, "Issuer")
	if issuer.Text() != spEntityID || issuer.Attr("NameQualifier") != spEntityID || issuer.Attr("Format") != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity" {
		t.Errorf("issuer is %q of %q in format %q", issuer.Text(), issuer.Attr("NameQualifier"), issuer.Attr("Format"))
	}
	policy := request.Child(message.Protocol, "NameIDPolicy")
	if policy.Attr("Format") != message.Transient || policy.Attr("AllowCreate") != "" {
		t.Errorf("NameIDPolicy has format %q and AllowCreate %q", policy.Attr("Format"), policy.Attr("AllowCreate"))
	}
	if got := request.Attr("AttributeConsumingServiceIndex"); got != "0" {
		t.Errorf("AttributeConsumingServiceIndex is %q", got)
	}
	if request.Child(message.Protocol, "Scoping").Exists() {
		t.Error("there is a Scoping")
	}
}
