package simulator

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
)

const statusCode = "urn:oasis:names:tc:SAML:2.0:status:"

func statusFaults() []Fault {
	status := func(code, second string) func(*Provider, *draft) {
		return statusDraft(message.Status{Code: code, Second: second})
	}
	return []Fault{
		{
			ID: "cancel", Title: "Cancel", Artefact: Callback, Expect: connectors.Cancelled,
			draft: status(message.Responder, message.AuthnFailed),
		},
		{
			ID: "request-denied", Title: "The provider refuses", Artefact: Callback, Expect: connectors.Declined,
			draft: status(message.Responder, message.RequestDenied),
		},
		{
			ID: "no-passive", Title: "Nobody may be asked, and nobody is signed in", Artefact: Callback, Expect: connectors.Declined,
			draft: status(message.Responder, message.NoPassive),
		},
		{
			ID: "no-authn-context", Title: "The provider cannot authenticate as strongly", Artefact: Callback, Expect: connectors.Unmet,
			draft: status(message.Responder, message.NoAuthnContext),
		},
		{
			ID: "responder", Title: "The provider has an error of its own", Artefact: Callback, Expect: connectors.Unavailable,
			draft: status(message.Responder, ""),
		},
		{
			ID: "requester", Title: "The request is wrong", Artefact: Callback, Expect: connectors.Misconfigured,
			draft: status(message.Requester, ""),
		},
		{
			ID: "invalid-nameid-policy", Title: "The provider has no such NameID", Artefact: Callback, Expect: connectors.Misconfigured,
			draft: status(message.Requester, message.InvalidNameIDPolicy),
		},
		{
			ID: "unsupported-binding", Title: "The provider cannot answer by the binding", Artefact: Callback, Expect: connectors.Misconfigured,
			draft: status(message.Responder, statusCode+"UnsupportedBinding"),
		},
	}
}

func relayFaults() []Fault {
	return []Fault{
		{
			ID: "state-lost", Title: "The answer has no RelayState", Artefact: Callback, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.relayState = "" },
		},
		{
			ID: "state-of-another", Title: "The answer has another RelayState", Artefact: Callback, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.relayState = rand.Text() },
		},
	}
}

func responseFaults() []Fault {
	return []Fault{
		{
			ID: "wrong-issuer", Title: "Wrong issuer", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.header.Issuer, d.statement.Issuer = elsewhere, elsewhere },
		},
		{
			ID: "wrong-destination", Title: "Wrong Destination", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.header.Destination = elsewhere },
		},
		{
			ID: "wrong-recipient", Title: "Wrong Recipient", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.statement.Recipient = elsewhere },
		},
		{
			ID: "wrong-audience", Title: "Wrong Audience", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.statement.Audience = elsewhere },
		},
		{
			ID: "in-response-to-another", Title: "It answers another request", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.answer("_" + rand.Text()) },
		},
		{
			ID: "in-response-to-none", Title: "It answers no request", Artefact: Response, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.answer("") },
		},
		{
			// Refused where somebody has signed in before.
			ID: "replayed-assertion", Title: "The ID of the assertion before", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) {
				if last := p.saml.last.Load(); last != nil {
					d.statement.ID = *last
				}
			},
		},
		{
			ID: "proxy-forbidden", Title: "It may not be passed on", Artefact: Response, Expect: connectors.NotAllowed,
			draft: func(_ *Provider, d *draft) { d.amend = forbidProxies },
		},
		{
			ID: "lower-context", Title: "A weaker sign-in than was asked for", Artefact: Response, Expect: connectors.Unmet, applies: asksContext,
			draft: func(_ *Provider, d *draft) {
				d.statement.Context = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified"
			},
		},
		{
			ID: "many-values", Title: "As many groups as may be", Artefact: Response,
			draft: func(p *Provider, d *draft) { d.groups(p.terms.saml.Response.MaxValues) },
		},
		{
			ID: "too-many-values", Title: "More groups than may be", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.groups(p.terms.saml.Response.MaxValues + 1) },
		},
	}
}

// answer makes the response one to the request of an id.
func (d *draft) answer(id string) { d.header.InResponseTo, d.statement.InResponseTo = id, id }

// groups makes somebody a member of n groups.
func (d *draft) groups(n int) {
	values := make([]string, n)
	for i := range values {
		values[i] = "CN=Group of somebody,OU=Groups,DC=council,DC=example"
	}
	d.statement.Attributes = append(d.statement.Attributes, message.Attribute{Name: "https://council.example/groups", Values: values})
}

// forbidProxies says that nobody may assert anything on the strength of the
// assertion (Core §2.5.1.6).
func forbidProxies(assertion *etree.Element) {
	assertion.FindElement("./Conditions").CreateElement("saml:ProxyRestriction").CreateAttr("Count", "0")
}

func asksContext(t terms) bool { return len(t.saml.Request.Contexts) > 0 }

func instantFaults() []Fault {
	return []Fault{
		{
			ID: "expired", Title: "Expired ten minutes ago", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.statement.NotOnOrAfter = p.now().Add(-10 * time.Minute) },
		},
		{
			ID: "not-valid-yet", Title: "Not valid for another ten minutes", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.statement.NotBefore = p.now().Add(10 * time.Minute) },
		},
		{
			ID: "issued-long-ago", Title: "Issued an hour ago", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.statement.IssueInstant = p.now().Add(-time.Hour) },
		},
		{
			ID: "issued-ahead", Title: "Issued ten minutes from now", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.statement.IssueInstant = p.now().Add(10 * time.Minute) },
		},
		{
			ID: "session-over", Title: "The session at the provider is over", Artefact: Response, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.statement.SessionNotOnOrAfter = p.now().Add(-10 * time.Minute) },
		},
		{
			ID: "not-asked-again", Title: "Signed in an hour ago, and not asked again", Artefact: Response, Expect: connectors.Refused, applies: forces,
			draft: func(p *Provider, d *draft) { d.statement.AuthnInstant = p.now().Add(-time.Hour) },
		},
	}
}

func forces(t terms) bool { return t.saml.Request.Force == "always" }

func subjectFaults() []Fault {
	return []Fault{
		{
			ID: "transient-nameid", Title: "A NameID that is another tomorrow", Artefact: Response, Expect: connectors.Misconfigured, applies: anyFormat,
			draft: func(_ *Provider, d *draft) {
				d.statement.NameID.Format, d.statement.NameID.Value = message.Transient, "_"+rand.Text()
			},
		},
		{
			ID: "no-nameid", Title: "No NameID", Artefact: Response, Expect: connectors.Misconfigured,
			draft: func(_ *Provider, d *draft) { d.statement.NameID = message.NameID{} },
		},
	}
}

// anyFormat reports whether the NameID may have the format that the provider
// likes.
func anyFormat(t terms) bool {
	format := t.saml.Request.NameIDFormat
	return format == "" || format == "unspecified" || format == message.Unspecified
}

// sealFaults are those of signatures and of encryption.
func sealFaults() []Fault {
	return []Fault{
		{
			ID: "unsigned", Title: "Not signed", Artefact: Signature, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.signs = "none" },
		},
		{
			ID: "foreign-key", Title: "Signed with a key that is not published", Artefact: Signature, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) { d.signer = p.saml.keys.foreign() },
		},
		{
			// The old key signs what comes after, as nobody looks for a new one
			// twice in a minute.
			ID: "rotate-keys", Title: "A new key is published and used at once", Artefact: Signature,
			draft: func(p *Provider, d *draft) { d.signer = p.saml.keys.spare() },
		},
		{
			ID: "borrowed-certificate", Title: "Signed with another key, beside the provider’s certificate", Artefact: Signature, Expect: connectors.Refused,
			draft: func(p *Provider, d *draft) {
				certificate := d.signer.Certificate
				d.signer = p.saml.keys.foreign()
				d.signer.Certificate = certificate
			},
		},
		{
			ID: "tampered", Title: "Changed once it was signed", Artefact: Signature, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.forge = tamper },
		},
		{
			ID: "wrapped", Title: "A forged assertion before the signed one", Artefact: Signature, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.forge = d.wrap },
		},
		{
			ID: "two-assertions", Title: "Two assertions, both signed", Artefact: Signature, Expect: connectors.Refused,
			draft: func(_ *Provider, d *draft) { d.twice = true },
		},
		{
			ID: "not-encrypted", Title: "Not encrypted", Artefact: Signature, Expect: connectors.Refused, applies: mustEncrypt,
			draft: func(_ *Provider, d *draft) { d.data = "" },
		},
		{
			ID: "encrypted-for-another", Title: "Encrypted for somebody else", Artefact: Signature, Expect: connectors.Refused, applies: mayEncrypt,
			draft: func(p *Provider, d *draft) { d.data, d.to = xmlenc.AES256GCM, p.saml.keys.another() },
		},
	}
}

func mustEncrypt(t terms) bool { return t.saml.Response.Encrypted == "required" }
func mayEncrypt(t terms) bool  { return t.saml.Response.Encrypted != "refused" }

// tamper changes who it is, or where that cannot be read something of the
// ciphertext.
func tamper(response *etree.Element) {
	if id := response.FindElement(".//NameID"); id != nil {
		id.SetText("admin")
		return
	}
	all := response.FindElements(".//CipherValue")
	sum := sha256.Sum256([]byte(all[len(all)-1].Text()))
	all[len(all)-1].SetText(base64.StdEncoding.EncodeToString(sum[:]))
}

// wrap puts an assertion about somebody else before the signed one (XSW3 of
// “On Breaking SAML”, Somorovsky et al., 2012).
func (d *draft) wrap(response *etree.Element) {
	evil := d.statement
	evil.ID, evil.NameID.Value = "_"+rand.Text(), "admin"
	for _, child := range response.ChildElements() {
		if strings.HasSuffix(child.Tag, "Assertion") {
			response.InsertChildAt(child.Index(), evil.Element())
			return
		}
	}
}

func artifactFaults() []Fault {
	return []Fault{
		{
			ID: "artifact-unknown", Title: "The artifact stands for nothing", Artefact: Artifact, Expect: connectors.Refused, applies: byArtifact,
			draft: func(_ *Provider, d *draft) { d.artifact.unkept = true },
		},
		{
			ID: "artifact-of-another", Title: "The artifact is another provider’s", Artefact: Artifact, Expect: connectors.Refused, applies: byArtifact,
			draft: func(_ *Provider, d *draft) { d.artifact.source = elsewhere },
		},
		{
			ID: "artifact-index", Title: "The artifact is resolved at an address that nobody knows", Artefact: Artifact, Expect: connectors.Refused, applies: byArtifact,
			draft: func(_ *Provider, d *draft) { d.artifact.index = resolverIndex + 1 },
		},
		{
			ID: "artifact-500", Title: "The artifact cannot be resolved: error 500", Artefact: Artifact, Expect: connectors.Unavailable, applies: byArtifact,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "artifact-slow", Title: "The artifact takes very long to be resolved", Artefact: Artifact, Expect: connectors.Unavailable, applies: byArtifact,
			answer: slow,
		},
		{
			ID: "artifact-fault", Title: "The artifact cannot be resolved: a SOAP fault", Artefact: Artifact, Expect: connectors.Unavailable, applies: byArtifact,
			answer: soapFault,
		},
		{
			ID: "artifact-html", Title: "A web page in place of SOAP", Artefact: Artifact, Expect: connectors.Unavailable, applies: byArtifact,
			answer: webPage,
		},
	}
}

func byArtifact(t terms) bool { return t.saml.Response.Binding == "artifact" }

func partingFaults() []Fault {
	return []Fault{
		{
			// An answer says nothing then, and a question is refused.
			ID: "logout-unsigned", Title: "Logout messages are not signed", Artefact: Logout,
			parting: func(_ *Provider, m *parting) { m.unsigned = true },
		},
		{
			ID: "logout-foreign-key", Title: "Logout messages are signed with a key that is not published", Artefact: Logout, Expect: connectors.Refused,
			parting: func(p *Provider, m *parting) { m.signer = p.saml.keys.foreign() },
		},
		{
			ID: "logout-refused", Title: "The provider does not end its session", Artefact: Logout,
			parting: func(_ *Provider, m *parting) { m.status = message.Status{Code: message.Responder} },
		},
	}
}

func metadataFaults() []Fault {
	return []Fault{
		{
			ID: "metadata-500", Title: "The metadata cannot be had: error 500", Artefact: Metadata, Expect: connectors.Unavailable,
			answer: status(http.StatusInternalServerError),
		},
		{
			ID: "metadata-html", Title: "A web page in place of metadata", Artefact: Metadata, Expect: connectors.Unavailable, answer: webPage,
		},
		{
			ID: "metadata-expired", Title: "The metadata has expired", Artefact: Metadata, Expect: connectors.Unavailable,
			answer: func(p *Provider, w http.ResponseWriter, _ *http.Request) {
				p.serveMetadata(w, p.saml.entityID, -time.Hour)
			},
		},
		{
			ID: "metadata-of-another", Title: "The metadata is another provider’s", Artefact: Metadata, Expect: connectors.Unavailable,
			answer: func(p *Provider, w http.ResponseWriter, _ *http.Request) { p.serveMetadata(w, elsewhere, time.Hour) },
		},
	}
}
