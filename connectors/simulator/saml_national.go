package simulator

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/mapping"
)

// The manners of the national providers that speak SAML.

// spidLevel is what the classes of SPID begin with.
const spidLevel = "https://www.spid.gov.it/SpidL"

// checkSPID holds a request to SPID's technical rules. What they would answer
// with is in brackets.
func checkSPID(q message.AuthnRequest, request xmlgate.Element) error {
	issuer, policy := request.Child(message.Assertion, "Issuer"), request.Child(message.Protocol, "NameIDPolicy")
	switch {
	case issuer.Attr("NameQualifier") == "" || issuer.Attr("Format") != "urn:oasis:names:tc:SAML:2.0:nameid-format:entity":
		return errors.New("its Issuer has no Format or no NameQualifier (nr10)")
	case len(q.Contexts) == 0 || q.Comparison == "":
		return errors.New("it asks for no level (nr12)")
	case !q.ForceAuthn && !slices.Contains(q.Contexts, spidLevel+"1"):
		return errors.New("it does not say ForceAuthn, which levels 2 and 3 want (nr12)")
	case q.IsPassive:
		return errors.New("it says IsPassive (nr15)")
	case policy.Attr("Format") != message.Transient || policy.Attr("AllowCreate") != "":
		return errors.New("its NameIDPolicy is not transient, or has AllowCreate (nr17)")
	case request.Attr("AttributeConsumingServiceIndex") == "":
		return errors.New("it does not number its attributes (nr18)")
	}
	return nil
}

// spidStatus is how SPID says that nobody is signed in.
func spidStatus(nr int) message.Status {
	return message.Status{Code: message.Responder, Second: message.AuthnFailed, Message: fmt.Sprintf("ErrorCode nr%02d", nr)}
}

// spidFaults are the codes of SPID's table of messages: 8 to 18 are faults of a
// request, of which these three have a status that says something else.
func spidFaults() []Fault {
	wrong := func(nr int, second string) message.Status {
		return message.Status{Code: message.Requester, Second: second, Message: spidStatus(nr).Message}
	}
	return []Fault{
		answers("nr12", "nr12: the level is not understood", connectors.Misconfigured, wrong(12, message.NoAuthnContext)),
		answers("nr13", "nr13: IssueInstant is wrong", connectors.Misconfigured, wrong(13, message.RequestDenied)),
		answers("nr15", "nr15: IsPassive is said", connectors.Misconfigured, wrong(15, message.NoPassive)),
		answers("nr19", "nr19: wrong credentials, too often", connectors.Declined, spidStatus(19)),
		answers("nr20", "nr20: no credentials of that level", connectors.Unmet, spidStatus(20)),
		answers("nr21", "nr21: it took too long", connectors.TryLater, spidStatus(21)),
		answers("nr22", "nr22: the person does not agree", connectors.NoConsent, spidStatus(22)),
		answers("nr23", "nr23: the identity is suspended or revoked", connectors.Gone, spidStatus(23)),
		answers("nr25", "nr25: the person cancels", connectors.Cancelled, spidStatus(25)),
		answers("nr30", "nr30: an identity of another kind", connectors.NotAllowed, spidStatus(30)),
		{
			ID: "no-prefix", Title: "A fiscal number of another country", Artefact: Response, Expect: connectors.Refused,
			said: stating("fiscalNumber", "XX-RSSMRA80A01H501U"),
		},
	}
}

func spidPeople() []Persona {
	return []Persona{withCard(mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Ch})}
}

// fiscalNumber looks like one, and is nobody's.
func fiscalNumber(seed uint64) string {
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, seed))
	letters := base32.StdEncoding.EncodeToString(sum[:])
	return fmt.Sprintf("%sX%02dX%02dX%03dX", letters[:6], seed%97, seed%31, seed%997)
}

// digidFaults are those of a NameID that is of another sector than the citizen
// service number's, or is no such number.
func digidFaults() []Fault {
	naming := func(value string) func(*Provider, *draft) {
		return func(_ *Provider, d *draft) { d.statement.NameID.Value = value }
	}
	return []Fault{
		{
			ID: "other-sector", Title: "A number of another sector", Artefact: Response, Expect: connectors.Refused, draft: naming("s00000001:900026236"),
		},
		{
			ID: "no-sector", Title: "A number without a sector", Artefact: Response, Expect: connectors.Refused, draft: naming("900026236"),
		},
		{
			ID: "sector-inside", Title: "The sector in another place", Artefact: Response, Expect: connectors.Refused,
			draft: naming("s00000001:1!s00000000:900026236"),
		},
		{
			ID: "no-number", Title: "No number", Artefact: Response, Expect: connectors.Refused, draft: naming("s00000000:9000X6236"),
		},
	}
}

func digidPeople() []Persona {
	return []Persona{withCard(mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Ch})}
}

// checkDigiD: what is asked for is the least level, and nothing but an artifact goes
// through the browser.
func checkDigiD(q message.AuthnRequest, _ xmlgate.Element) error {
	switch {
	case len(q.Contexts) == 0 || q.Comparison != "minimum":
		return errors.New("it asks for no level, or otherwise than by minimum")
	case q.ProtocolBinding != binding.Artifact:
		return errors.New("it wants the answer otherwise than by artifact")
	}
	return nil
}

// checkEIDAS: a node wants to know by which comparison levels are asked for, each
// sign-in to be new, and to be asked for the minimum data set at least.
func checkEIDAS(q message.AuthnRequest, request xmlgate.Element) error {
	spType, asked := eidasExtensions(request)
	lacking := func(name string) bool { return !slices.Contains(asked, naturalPerson+name) }
	switch {
	case !q.ForceAuthn || q.IsPassive || q.Comparison != "minimum":
		return errors.New("it does not say ForceAuthn, or asks for a level otherwise than by minimum")
	case spType != "public" && spType != "private":
		return errors.New("it does not say which kind of service asks")
	case slices.ContainsFunc([]string{"PersonIdentifier", "CurrentFamilyName", "CurrentGivenName", "DateOfBirth"}, lacking):
		return errors.New("it does not ask for the minimum data set")
	}
	return nil
}

// naturalPerson is what the names of a person's attributes begin with.
const naturalPerson = "http://eidas.europa.eu/attributes/naturalperson/"

func eidasFaults() []Fault {
	return []Fault{
		{
			ID: "no-identifier", Title: "No identifier of the person", Artefact: Response, Expect: connectors.Refused,
			said: without(naturalPerson + "PersonIdentifier"),
		},
		answers("consent-refused", "The person does not agree", connectors.NoConsent,
			message.Status{Code: message.Responder, Second: message.RequestDenied, Message: "202007 - Consent not given for a mandatory attribute."}),
	}
}

// eidasPeople are of other countries: their names come in their own script and in
// Latin letters.
func eidasPeople() []Persona {
	high := mapping.Assurance{Identity: mapping.P3, Authenticator: mapping.Cm}
	greek := named("local-script", "Ελένη Παπαδοπούλου", "Her name is written in Greek letters, and in Latin ones", mapping.Claims{
		"name": "Ελένη Παπαδοπούλου", "given_name": "Ελένη", "family_name": "Παπαδοπούλου",
		"latin_given_name": "Eleni", "latin_family_name": "Papadopoulou",
	})
	return []Persona{greek, withCard(high)}
}
