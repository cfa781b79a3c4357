package message_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/attack"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/test/servers"
)

// What we send is valid by the schemas of SAML, which Shibboleth holds every
// message to.
func TestMessagesAreValid(t *testing.T) {
	t.Parallel()
	xmllint := servers.Program(t, "xmlsec1", "xmllint")
	for _, folder := range []string{"opensaml", "xmltooling"} {
		if _, err := os.Stat("/usr/share/xml/" + folder); err != nil {
			servers.Missing(t, "xmlsec1", err.Error())
		}
	}
	for name, e := range everyMessage(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			file := filepath.Join(t.TempDir(), "message.xml")
			if err := os.WriteFile(file, xmlgate.Bytes(e), 0o600); err != nil {
				t.Fatal(err)
			}
			cmd := exec.CommandContext(t.Context(), xmllint, "--nonet", "--noout", "--schema", "testdata/schema/messages.xsd", file)
			cmd.Env = append(os.Environ(), "XML_CATALOG_FILES=testdata/schema/catalog.xml")
			if said, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, said)
			}
		})
	}
}

// everyMessage is one of each kind, with all that it can say.
func everyMessage(t *testing.T) map[string]*etree.Element {
	t.Helper()
	target, _ := attack.NewTarget(t)
	data, err := xmlenc.Encrypt(statement(target).Element(), target.Recipient, xmlenc.AES256GCM, xmlenc.OAEPMGF1P)
	if err != nil {
		t.Fatal(err)
	}
	extension := etree.NewElement("eidas:SPType")
	extension.CreateAttr("xmlns:eidas", "http://eidas.europa.eu/saml-extensions")
	h, success := header(), message.Status{Code: message.Success}
	id := statement(target).NameID
	return map[string]*etree.Element{
		"AuthnRequest": message.AuthnRequest{
			Header: h, Subject: id, ACSURL: target.ACS, ProtocolBinding: "urn:x", ForceAuthn: true, IsPassive: true,
			NameIDFormat: message.Persistent, AllowCreate: true, SPNameQualifier: "x", Contexts: []string{"urn:a", "urn:b"},
			Comparison: "minimum", ProxyCount: new(int), ProviderIDs: []string{"https://a", "https://b"}, RequesterIDs: []string{"https://app"}, Extensions: []*etree.Element{extension},
		}.Element(),
		"Response":           answer(t, target, statement(target).Element()),
		"encrypted Response": message.Response(h, success, message.Encrypted(data)),
		"failed Response":    message.Response(h, message.Status{Code: message.Responder, Second: message.NoPassive, Message: "x"}, nil),
		"LogoutRequest": message.LogoutRequest{
			Header: h, NotOnOrAfter: noon().Add(time.Minute), NameID: id, SessionIndexes: []string{"a", "b"}, Asynchronous: true,
		}.Element(),
		"LogoutResponse":  message.LogoutResponse{Header: h, Status: message.Status{Code: message.Success, Second: message.PartialLogout}}.Element(),
		"ArtifactResolve": message.ArtifactResolve(h, "AAQ="),
	}
}
