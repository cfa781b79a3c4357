package attack

import (
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/message"
)

// protocol adds answers that the provider signed, but not for this sign-in:
// for another request, another service provider, another time.
func (f *forge) protocol() {
	f.responses()
	f.statuses()
	f.assertions()
	f.confirmations()
	f.conditions()
	f.authentications()
	f.attributes()
}

// responses adds what is wrong around the assertion. What an unsigned response
// says is no proof, but it is reason enough to refuse.
func (f *forge) responses() {
	for _, signed := range []bool{false, true} {
		add := func(name, refusal string, alter func(response *etree.Element)) {
			e := f.response(f.sign(f.assertion()), alter)
			if signed {
				name, e = name+", response signed", f.sign(e)
			}
			f.refuse(name, "response: "+refusal, e)
		}
		add("Destination elsewhere", "another Destination", set("", "Destination", "https://evil.example/acs"))
		add("Destination of another case", "another Destination", set("", "Destination", f.ACS+"/"))
		add("Issuer of the response is another", "another Issuer", text("Issuer", "https://other.example/"))
		add("Issuer of the response is a person", "Issuer that is no entity", set("Issuer", "Format", message.Persistent))
		add("two Issuers", "more than one Issuer", double("Issuer"))
		add("InResponseTo another's", "answer to another request", set("", "InResponseTo", "id-other"))
		add("InResponseTo missing", "answer to another request", unset("", "InResponseTo"))
		add("Version 1.1", "another Version than 2.0", set("", "Version", "1.1"))
		add("IssueInstant in an hour", "IssueInstant in the future", set("", "IssueInstant", f.instant(time.Hour)))
		add("IssueInstant an hour ago", "IssueInstant too long ago", set("", "IssueInstant", f.instant(-time.Hour)))
		add("IssueInstant missing", "no IssueInstant", unset("", "IssueInstant"))
		add("IssueInstant is no time", "malformed IssueInstant", set("", "IssueInstant", "yesterday"))
		add("Status missing", "no Status", drop("Status"))
		add("Status without a code", "no Status", drop("Status/StatusCode"))
		add("two Status", "more than one Status", double("Status"))
		add("two StatusCodes", "more than one StatusCode", double("Status/StatusCode"))
	}
	f.refuse("response without an ID", "response: no ID", f.response(f.sign(f.assertion()), unset("", "ID")))
	f.refuse("Destination missing, response signed", "response: no Destination", f.byResponse(unset("", "Destination")))
	f.accept("Destination missing, response unsigned", f.response(f.sign(f.assertion()), unset("", "Destination")))
	f.accept("Issuer missing, response unsigned", f.response(f.sign(f.assertion()), drop("Issuer")))
	f.accept("Issuer's format said", f.byResponse(set("Issuer", "Format", "urn:oasis:names:tc:SAML:2.0:nameid-format:entity")))
}

// statuses adds answers that say why there is no assertion, or say so beside one.
func (f *forge) statuses() {
	add := func(name, refusal string, s message.Status, assertion *etree.Element) {
		f.refuse(name, "response: status "+refusal, message.Response(f.header(), s, assertion))
	}
	add("AuthnFailed", "Responder, AuthnFailed", message.Status{Code: message.Responder, Second: message.AuthnFailed}, nil)
	add("NoPassive", "Responder, NoPassive", message.Status{Code: message.Responder, Second: message.NoPassive}, nil)
	add("status without a second code", "Requester", message.Status{Code: message.Requester}, nil)
	add("status of the provider's own, with a message",
		"Responder, of its own", message.Status{Code: message.Responder, Second: "urn:evil?log", Message: "<script>"}, nil)
	add("failure beside an assertion", "Responder, RequestDenied",
		message.Status{Code: message.Responder, Second: message.RequestDenied}, f.sign(f.assertion()))
	f.refuse("AuthnFailed, signed", "response: status Responder, AuthnFailed", f.sign(message.Response(
		f.header(), message.Status{Code: message.Responder, Second: message.AuthnFailed}, nil)))
}

// ofAssertion adds a document whose assertion is altered before it is signed,
// by its own signature and by the response's.
func (f *forge) ofAssertion(name, refusal string, alter func(assertion *etree.Element)) {
	if refusal != "" {
		refusal = "assertion: " + refusal
	}
	f.refuse(name, refusal, f.byAssertion(alter))
	f.refuse(name+", response signed", refusal, f.sign(f.response(f.assertion(alter))))
}

func (f *forge) assertions() {
	add := f.ofAssertion
	add("assertion of another provider", "another Issuer", text("Issuer", "https://other.example/"))
	f.refuse("assertion without an Issuer", "assertion: another Issuer", f.sign(f.response(f.assertion(drop("Issuer")))))
	add("two Issuers of the assertion", "more than one Issuer", double("Issuer"))
	add("assertion of Version 1.1", "another Version than 2.0", set("", "Version", "1.1"))
	f.refuse("assertion without an ID", "assertion: no ID", f.sign(f.response(f.assertion(unset("", "ID")))))
	add("assertion made in an hour", "IssueInstant in the future", set("", "IssueInstant", f.instant(time.Hour)))
	add("assertion made in 30 seconds", "", set("", "IssueInstant", f.instant(30*time.Second)))
	add("assertion made seven minutes ago", "IssueInstant too long ago", set("", "IssueInstant", f.instant(-7*time.Minute)))
	add("assertion made 100 seconds ago", "", set("", "IssueInstant", f.instant(-100*time.Second)))
	add("assertion made at no time", "no IssueInstant", unset("", "IssueInstant"))

	add("no Subject", "no Subject", drop("Subject"))
	add("two Subjects", "more than one Subject", double("Subject"))
	add("two NameIDs", "more than one name identifier", double("Subject/NameID"))
	add("BaseID", "BaseID, which is not supported", func(a *etree.Element) {
		at(a, "Subject").InsertChildAt(0, wrap("saml:BaseID"))
	})
	// One that other readers know as Alice: the name is in the second one.
	add("NameID of another namespace in front", "", func(a *etree.Element) {
		e := wrap("x:NameID")
		e.CreateAttr("xmlns:x", "urn:foreign")
		e.SetText(Admin)
		at(a, "Subject").InsertChildAt(0, e)
	})
}

func (f *forge) confirmations() {
	add := f.ofAssertion
	confirmation, data := "Subject/SubjectConfirmation", "Subject/SubjectConfirmation/SubjectConfirmationData"
	none := "no SubjectConfirmation by bearer"
	add("no SubjectConfirmation", none, drop(confirmation))
	add("holder-of-key alone", none, set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:holder-of-key"))
	add("sender-vouches alone", none, set(confirmation, "Method", "urn:oasis:names:tc:SAML:2.0:cm:sender-vouches"))
	add("no SubjectConfirmationData", "no SubjectConfirmationData", drop(data))
	add("two SubjectConfirmationData", "more than one SubjectConfirmationData", double(data))
	add("Recipient elsewhere", "another Recipient", set(data, "Recipient", "https://evil.example/acs"))
	add("Recipient missing", "another Recipient", unset(data, "Recipient"))
	add("SubjectConfirmationData for another request", "confirmation for another request", set(data, "InResponseTo", "id-other"))
	add("SubjectConfirmationData for no request", "confirmation for another request", unset(data, "InResponseTo"))
	add("second SubjectConfirmation for another request", "confirmation for another request", func(a *etree.Element) {
		double(confirmation)(a)
		set(data, "InResponseTo", "id-other")(a)
	})
	add("confirmation expired", "NotOnOrAfter in the past", set(data, "NotOnOrAfter", f.instant(-2*time.Minute)))
	add("confirmation expired within the skew", "", set(data, "NotOnOrAfter", f.instant(-30*time.Second)))
	add("confirmation that never expires", "no NotOnOrAfter", unset(data, "NotOnOrAfter"))
	add("confirmation that expires at no time", "malformed NotOnOrAfter", set(data, "NotOnOrAfter", "never"))
	add("confirmation from two minutes on", "NotBefore in the future", set(data, "NotBefore", f.instant(2*time.Minute)))
	add("confirmation from long ago on", "", set(data, "NotBefore", f.instant(-time.Hour)))
	add("confirmation from no time on", "malformed NotBefore", set(data, "NotBefore", "never"))
	add("one confirmation of two fits", "", func(a *etree.Element) {
		double(confirmation)(a)
		set(data, "Recipient", "https://login.example.gov.uk/old")(a)
	})
	add("address of somebody else", "", set(data, "Address", "192.0.2.1"))
}

func (f *forge) conditions() {
	add := f.ofAssertion
	audience := "Conditions/AudienceRestriction"
	add("no Conditions", "no Conditions", drop("Conditions"))
	add("two Conditions", "more than one Conditions", double("Conditions"))
	add("Conditions expired", "NotOnOrAfter in the past", set("Conditions", "NotOnOrAfter", f.instant(-2*time.Minute)))
	add("Conditions expired within the skew", "", set("Conditions", "NotOnOrAfter", f.instant(-30*time.Second)))
	add("Conditions without times", "", func(a *etree.Element) {
		unset("Conditions", "NotBefore")(a)
		unset("Conditions", "NotOnOrAfter")(a)
	})
	add("Conditions from two minutes on", "NotBefore in the future", set("Conditions", "NotBefore", f.instant(2*time.Minute)))
	add("Conditions from 30 seconds on", "", set("Conditions", "NotBefore", f.instant(30*time.Second)))
	add("Conditions that begin at no time", "malformed NotBefore", set("Conditions", "NotBefore", "never"))
	add("Conditions that end at no time", "malformed NotOnOrAfter", set("Conditions", "NotOnOrAfter", "never"))

	add("no AudienceRestriction", "no AudienceRestriction", drop(audience))
	add("AudienceRestriction without an Audience", "another Audience", drop(audience+"/Audience"))
	add("Audience is another", "another Audience", text(audience+"/Audience", "https://other.example/"))
	add("Audience begins like ours", "another Audience", text(audience+"/Audience", f.Audience+".evil.example"))
	other := func(a *etree.Element) *etree.Element {
		e := wrap("saml:Audience")
		e.SetText("https://other.example/")
		at(a, audience).AddChild(e)
		return e
	}
	add("two Audiences, ours first", "", func(a *etree.Element) { other(a) })
	add("two Audiences, ours last", "", func(a *etree.Element) { at(a, audience).InsertChildAt(0, other(a)) })
	add("two AudienceRestrictions, one of them another's", "another Audience", func(a *etree.Element) {
		double(audience)(a)
		text(audience+"/Audience", "https://other.example/")(a)
	})

	condition := func(e *etree.Element) func(*etree.Element) {
		return func(a *etree.Element) { at(a, "Conditions").AddChild(e.Copy()) }
	}
	add("OneTimeUse", "", condition(wrap("saml:OneTimeUse")))
	add("condition of a kind that is not known", "condition that is not understood", condition(wrap("saml:Condition")))
	proxy := wrap("saml:ProxyRestriction")
	add("ProxyRestriction", "", condition(proxy))
	proxy.CreateAttr("Count", "-1")
	add("ProxyRestriction of a count below none", "malformed Count", condition(proxy))
	proxy.CreateAttr("Count", "0")
	add("ProxyRestriction of none", "", condition(proxy))
	add("two ProxyRestrictions", "more than one ProxyRestriction", func(a *etree.Element) {
		condition(proxy)(a)
		condition(proxy)(a)
	})
}

func (f *forge) authentications() {
	add := f.ofAssertion
	add("no AuthnStatement", "no AuthnStatement", drop("AuthnStatement"))
	add("two AuthnStatements", "more than one AuthnStatement", double("AuthnStatement"))
	add("AuthnInstant missing", "no AuthnInstant", unset("AuthnStatement", "AuthnInstant"))
	add("AuthnInstant in two minutes", "AuthnInstant in the future", set("AuthnStatement", "AuthnInstant", f.instant(2*time.Minute)))
	add("session over", "SessionNotOnOrAfter in the past", set("AuthnStatement", "SessionNotOnOrAfter", f.instant(-2*time.Minute)))
	add("session ends at no time", "malformed SessionNotOnOrAfter", set("AuthnStatement", "SessionNotOnOrAfter", "never"))
	add("session without an end", "", unset("AuthnStatement", "SessionNotOnOrAfter"))
	add("no context", "", drop("AuthnStatement/AuthnContext"))
	add("two contexts", "more than one AuthnContext", double("AuthnStatement/AuthnContext"))
	add("two classes of context", "more than one AuthnContextClassRef", double("AuthnStatement/AuthnContext/AuthnContextClassRef"))
}

func (f *forge) attributes() {
	add := f.ofAssertion
	attribute := "AttributeStatement/Attribute"
	add("attribute without a name", "attribute without a name", unset(attribute, "Name"))
	add("no attribute, but something else", "attribute without a name", func(a *etree.Element) {
		at(a, "AttributeStatement").AddChild(wrap("saml:Audience"))
	})
	add("no attributes", "", drop("AttributeStatement"))
	add("attribute of many elements", "", func(a *etree.Element) {
		at(a, attribute+"/AttributeValue").SetText("")
		at(a, attribute+"/AttributeValue").AddChild(wrap("saml:x", wrap("saml:NameID")))
	})
}

// instant writes a time by its distance from now.
func (f *forge) instant(d time.Duration) string { return f.Now.Add(d).Format(time.RFC3339) }

// demands adds genuine answers to service providers that demand otherwise.
func (f *forge) demands() {
	signed := func(by string) func(*message.Expect) { return func(x *message.Expect) { x.Signed = by } }
	onlyResponse, unsigned := "assertion: only the response is signed", "response: without the signature that is demanded"
	f.judged("assertion signed where that is demanded", "", f.byAssertion(), signed("assertion"))
	f.judged("response signed where it is the assertion that has to be", onlyResponse, f.byResponse(), signed("assertion"))
	f.judged("response signed where nothing is said", onlyResponse, f.byResponse(), signed(""))
	f.judged("response signed where that is demanded", "", f.byResponse(), signed("response"))
	f.judged("assertion signed where it is the response that has to be", unsigned, f.byAssertion(), signed("response"))
	f.judged("both signed where that is demanded", "", f.byBoth(), signed("both"))
	f.judged("response signed where both have to be", onlyResponse, f.byResponse(), signed("both"))
	f.judged("assertion signed where both have to be", unsigned, f.byAssertion(), signed("both"))
	undecryptable := func() *etree.Element {
		return f.response(f.encrypted(f.assertion(), text("EncryptedData/CipherData/CipherValue", "AAAA")))
	}
	f.judged("ciphertext in an unsigned response", undone, undecryptable(), signed("assertion"))
	f.judged("ciphertext in an unsigned response where it has to be signed", unsigned, undecryptable(), signed("response"))
	f.judged("ciphertext in an unsigned response where both have to be signed", unsigned, undecryptable(), signed("both"))
	f.judged("encrypted, response signed, where it is the assertion that has to be", onlyResponse,
		f.sign(f.response(f.encrypted(f.assertion()))), signed("assertion"))

	encrypted := func(how string) func(*message.Expect) { return func(x *message.Expect) { x.Encrypted = how } }
	f.judged("not encrypted where it has to be", "assertion: not encrypted", f.byAssertion(), encrypted("required"))
	f.judged("encrypted where it has to be", "", f.response(f.encrypted(f.sign(f.assertion()))), encrypted("required"))
	f.judged("encrypted where it must not be", "assertion: encrypted", f.response(f.encrypted(f.sign(f.assertion()))), encrypted("refused"))

	f.unasked()
	for name, hole := range map[string]func(*message.Expect){
		"keys":     func(x *message.Expect) { x.Keys = nil },
		"issuer":   func(x *message.Expect) { x.Issuer = "" },
		"audience": func(x *message.Expect) { x.Audience = "" },
		"address":  func(x *message.Expect) { x.ACS = "" },
		"request":  func(x *message.Expect) { x.InResponseTo = "" },
		"time":     func(x *message.Expect) { x.Now = time.Time{} },
	} {
		f.judged("no "+name+" to compare with", "message: Expect is incomplete", f.byBoth(), hole)
	}
}

// unasked adds answers that nobody asked for, where they are taken and where
// they are not.
func (f *forge) unasked() {
	data := "Subject/SubjectConfirmation/SubjectConfirmationData"
	unsolicited := func(x *message.Expect) { x.Unsolicited, x.InResponseTo = true, "" }
	answer := func() *etree.Element {
		return f.response(f.sign(f.assertion(unset(data, "InResponseTo"))), unset("", "InResponseTo"))
	}
	f.refuse("unsolicited", "response: answer to another request", answer())
	f.judged("unsolicited where that is wanted", "", answer(), unsolicited)
	f.judged("an answer where an unsolicited one is wanted", "response: answer to another request", f.byBoth(), unsolicited)
	f.judged("an assertion for a request where an unsolicited one is wanted",
		"assertion: confirmation for another request",
		f.response(f.sign(f.assertion()), unset("", "InResponseTo")), unsolicited)
}
