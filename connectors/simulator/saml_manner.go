package simulator

import (
	"fmt"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/mapping"
)

// samlManner is how a provider differs from others in its messages.
type samlManner struct {
	check func(q message.AuthnRequest, request xmlgate.Element) error // what it wants of a request besides; nil: nothing
	short message.Status                                              // of whoever cannot meet what was asked for
	keeps func(class string) bool                                     // whether somebody who signs in by a class stays signed in
}

// samlMannerOf returns the manner of a preset in its messages.
func samlMannerOf(preset string) samlManner {
	m := samlManner{
		short: message.Status{Code: message.Responder, Second: message.NoAuthnContext},
		keeps: func(string) bool { return true },
	}
	switch preset {
	case "spid":
		m.check, m.short, m.keeps = checkSPID, spidStatus(20), func(class string) bool { return class == spidLevel+"1" }
	case "digid":
		m.check = checkDigiD
	case "eidas":
		m.check, m.keeps = checkEIDAS, func(string) bool { return false }
	}
	return m
}

// saml is the manner of a preset that speaks SAML.
func (m *manner) saml(preset string) {
	switch preset {
	case "adfs":
		m.subject = func(seed uint64) string { return fmt.Sprint(seed) }
		m.encryption = xmlenc.AES256CBC
		m.faults = contextFaults("exact")
	case "entra-saml":
		m.subject = guid
		m.faults = methodFaults()
	case "shibboleth":
		m.encryption = xmlenc.AES128GCM
		m.faults = contextFaults("exact")
	case "eidas":
		m.encryption = xmlenc.AES256GCM
		m.people, m.faults = eidasPeople(), append(contextFaults("minimum"), eidasFaults()...)
	case "myaccount":
		m.subject = func(seed uint64) string { return fmt.Sprintf("9%015d", seed) }
		m.faults = append(contextFaults(""), myaccountFaults()...)
	case "spid":
		m.subject = fiscalNumber
		m.people, m.faults = spidPeople(), append(contextFaults("exact"), spidFaults()...)
	case "digid":
		m.subject = func(seed uint64) string { return fmt.Sprintf("%09d", seed%1_000_000_000) }
		m.people, m.faults = digidPeople(), append(contextFaults("minimum"), digidFaults()...)
	}
	switch preset {
	case "adfs":
		m.lacks = []string{"level-lower", "level-higher"} // there are two, of which one is not asked for
	case "shibboleth":
		m.lacks, m.expects = []string{"level-lower", "level-higher"}, notByNameID()
	case "entra-saml", "eidas", "myaccount", "spid":
		m.expects = notByNameID()
	}
}

// withCard is somebody who reaches the highest level by a card or a device that
// cannot be copied.
func withCard(most mapping.Assurance) Persona {
	someone := fullRecord()
	someone.ID, someone.Title, someone.accountOf = "with-card", "Bronwen Card", ""
	someone.Description = "Signs in by the chip of a card, or of an identity document"
	someone.Person["given_name"], someone.Person["family_name"], someone.Person["name"] = "Bronwen", "Card", "Bronwen Card"
	someone.Person["email"] = "bronwen@example.org"
	someone.Reaches = most
	return someone
}

// statusDraft makes the response one that says why there is no assertion.
func statusDraft(s message.Status) func(*Provider, *draft) {
	return func(_ *Provider, d *draft) { d.status = s }
}

// without leaves an attribute out of what is said.
func without(name string) func(mapping.Claims) {
	return func(said mapping.Claims) { delete(said, name) }
}

// stating sets an attribute.
func stating(name string, value any) func(mapping.Claims) {
	return func(said mapping.Claims) { said[name] = value }
}

// methodFaults are those of Entra ID's attribute that says how somebody signed
// in: by one factor at least.
func methodFaults() []Fault {
	const methods = "http://schemas.microsoft.com/claims/authnmethodsreferences"
	return []Fault{
		{
			ID: "level-missing", Title: "Nothing says how the person signed in", Artefact: Level,
			said: without(methods),
		},
		{
			ID: "level-unknown", Title: "A method that nobody knows", Artefact: Level,
			said: stating(methods, []any{"urn:example:unknown"}),
		},
	}
}

// myaccountFaults are those of what myaccount says of a person.
func myaccountFaults() []Fault {
	return []Fault{
		{
			ID: "loa-lower", Title: "LoA 0: registered, and nothing checked", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			said: stating("LoA", "0"),
		},
		{
			ID: "loa-missing", Title: "No LoA", Artefact: Level, AtMost: identityAtMost(mapping.P0), said: without("LoA"),
		},
		{
			ID: "loa-unknown", Title: "A LoA that there is not", Artefact: Level, AtMost: identityAtMost(mapping.P0),
			said: stating("LoA", "9"),
		},
		{
			ID: "no-ucrn", Title: "No citizen reference number", Artefact: Response, Expect: connectors.Misconfigured, said: without("UCRN"),
		},
	}
}
