package simulator

import (
	"cmp"
	"crypto/rand"
	"crypto/x509"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// password is the context of whoever was asked for no other.
const password = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

// draft is a response before it is written out: faults change it.
type draft struct {
	question
	header    message.Header
	status    message.Status
	statement message.Statement
	signer    xmlsig.Credential
	signs     string            // assertion, response, both or none
	data      xmlenc.Data       // "" leaves the assertion as it is
	to        *x509.Certificate // whom it is encrypted for
	twice     bool              // two assertions
	artifact  artifact

	amend func(assertion *etree.Element) // before it is signed
	forge func(response *etree.Element)  // on its way, when all is signed
}

// respond answers as the chosen persona.
func (p *Provider) respond(w http.ResponseWriter, r *http.Request, q question, v visit, c choice) {
	d := p.draft(q, v, c)
	if c.fault.draft != nil {
		c.fault.draft(p, d)
	}
	response, err := d.write()
	if err != nil {
		p.broken(w, err)
		return
	}
	if d.status.Code == message.Success {
		p.keep(w, d, v)
		if c.fault.ID == "" {
			p.saml.last.Store(&d.statement.ID)
		}
	}
	if d.acs.Binding == binding.Artifact {
		p.sendArtifact(w, r, d, response, c.fault)
		return
	}
	p.post(w, d.acs.Location, binding.Form(binding.Response, response, d.relayState))
}

// keep remembers who is signed in now, where the provider keeps sessions.
func (p *Provider) keep(w http.ResponseWriter, d *draft, v visit) {
	if d.statement.SessionIndex == "" {
		return
	}
	p.remember(w, v)
	p.saml.sessions.put(d.statement.SessionIndex, d.statement.NameID, p.now())
}

// draft is the response of a provider at which nothing goes wrong.
func (p *Provider) draft(q question, v visit, c choice) *draft {
	now := p.now()
	d := &draft{
		question: q, signer: p.saml.keys.current(), signs: p.signs(), artifact: p.newArtifact(),
		header: message.Header{
			ID: "_" + rand.Text(), InResponseTo: q.id, IssueInstant: now, Destination: q.acs.Location, Issuer: p.saml.entityID,
		},
		status: message.Status{Code: message.Success},
	}
	said := p.saysOf(c)
	d.statement = message.Statement{
		ID: "_" + rand.Text(), Issuer: p.saml.entityID, IssueInstant: now, NameID: p.nameID(said, q),
		Recipient: q.acs.Location, InResponseTo: q.id, Audience: q.sp.ID,
		NotBefore: now, NotOnOrAfter: now.Add(5 * time.Minute),
		AuthnInstant: v.since, Attributes: attributes(said),
	}
	class, met := p.signsInBy(q.contexts, c.persona)
	if d.statement.Context = class; !met {
		d.status = p.saml.manner.short
	}
	if p.saml.manner.keeps(class) {
		d.statement.SessionIndex, d.statement.SessionNotOnOrAfter = v.index, now.Add(8*time.Hour)
	}
	if len(q.sp.Encryption) > 0 && p.terms.saml.Response.Encrypted != "refused" {
		d.to, d.data = q.sp.Encryption[0], p.manner.encryption
		if d.data == "" && p.terms.saml.Response.Encrypted == "required" {
			d.data = xmlenc.AES256GCM
		}
	}
	return d
}

// saysOf is what the provider says of the chosen persona, in its own words.
func (p *Provider) saysOf(c choice) mapping.Claims {
	person := maps.Clone(c.persona.Person)
	if p.tongue.claims != nil {
		person["reached"] = reach{Assurance: c.persona.Reaches}.said()
	}
	said := p.speak(person)
	if c.fault.said != nil {
		c.fault.said(said)
	}
	return said
}

// signs is what carries a signature: as the connector demands, and the
// response where either will do, as Shibboleth has it.
func (p *Provider) signs() string {
	switch s := p.terms.saml.Response.Signed; s {
	case "either":
		return "response"
	case "":
		return "assertion"
	default:
		return s
	}
}

// nameID is what the provider says of the person in the subject: sub and
// nameid_format in its own words. A transient one is another each time. Whoever
// asks for a format gets it; unspecified leaves the choice (Core §3.4.1.1).
func (p *Provider) nameID(said mapping.Claims, q question) message.NameID {
	id := message.NameID{Value: said.Text("sub"), Format: cmp.Or(said.Text("nameid_format"), q.format, message.Persistent)}
	if q.format != message.Unspecified {
		id.Format = cmp.Or(q.format, id.Format)
	}
	switch id.Format {
	case message.Transient:
		id.Value = "_" + rand.Text()
		fallthrough
	case message.Persistent:
		id.NameQualifier, id.SPNameQualifier = p.saml.entityID, q.sp.ID
	}
	return id
}

// attributes are what is said of the person besides, in the order of their
// names.
func attributes(said mapping.Claims) []message.Attribute {
	var all []message.Attribute
	for name, value := range said {
		values := attributeValues(value)
		if name == "sub" || name == "nameid_format" || len(values) == 0 {
			continue
		}
		format := mapping.NameFormatBasic
		if strings.Contains(name, ":") {
			format = mapping.NameFormatURI
		}
		all = append(all, message.Attribute{Name: name, NameFormat: format, Values: values})
	}
	slices.SortFunc(all, func(a, b message.Attribute) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// attributeValues are the texts of a claim. SAML has no objects.
func attributeValues(claim any) []string {
	switch v := claim.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, attributeValues(item)...)
		}
		return all
	}
	return nil
}

// write writes the response out.
func (d *draft) write() (*etree.Element, error) {
	if d.status.Code != message.Success {
		return xmlsig.Sign(message.Response(d.header, d.status, nil), d.signer, algorithm(d.signer))
	}
	assertion, err := d.assertion()
	if err != nil {
		return nil, err
	}
	response := message.Response(d.header, d.status, assertion)
	if d.twice {
		d.statement.ID = "_" + rand.Text()
		second, err := d.assertion()
		if err != nil {
			return nil, err
		}
		response.AddChild(second)
	}
	if d.signs == "response" || d.signs == "both" {
		if response, err = xmlsig.Sign(response, d.signer, algorithm(d.signer)); err != nil {
			return nil, err
		}
	}
	if d.forge != nil {
		d.forge(response)
	}
	return response, nil
}

func (d *draft) assertion() (*etree.Element, error) {
	e := d.statement.Element()
	if d.amend != nil {
		d.amend(e)
	}
	if d.signs == "assertion" || d.signs == "both" {
		var err error
		if e, err = xmlsig.Sign(e, d.signer, algorithm(d.signer)); err != nil {
			return nil, err
		}
	}
	if d.data == "" {
		return e, nil
	}
	data, err := xmlenc.Encrypt(e, d.to, d.data, xmlenc.OAEPMGF1P)
	if err != nil {
		return nil, err
	}
	return message.Encrypted(data), nil
}
