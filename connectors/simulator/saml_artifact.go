package simulator

import (
	"crypto/rand"
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net/http"
	"net/url"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// artifact stands for a response (Bindings §3.6.4).
type artifact struct {
	index    int
	source   string // whose it is
	unkept   bool   // nobody knows it when it is resolved
	response *etree.Element
	fault    *Fault
}

func (p *Provider) newArtifact() artifact {
	return artifact{index: resolverIndex, source: p.saml.entityID}
}

// String is a new artifact of type 4.
func (a artifact) String() string {
	raw := binary.BigEndian.AppendUint16([]byte{0, 4}, uint16(a.index))
	source := sha1.Sum([]byte(a.source))
	raw = append(raw, source[:]...)
	handle := make([]byte, 20)
	rand.Read(handle)
	return base64.StdEncoding.EncodeToString(append(raw, handle...))
}

// sendArtifact keeps the response and sends the browser off with an artifact.
func (p *Provider) sendArtifact(w http.ResponseWriter, r *http.Request, d *draft, response *etree.Element, f *Fault) {
	d.artifact.response, d.artifact.fault = response, f
	name := d.artifact.String()
	if !d.artifact.unkept {
		p.saml.artifacts.put(name, d.artifact, p.now())
	}
	query := url.Values{"SAMLart": {name}}
	if d.relayState != "" {
		query.Set("RelayState", d.relayState)
	}
	http.Redirect(w, r, d.acs.Location+"?"+query.Encode(), http.StatusSeeOther)
}

// soapFault says that the message was wrong, as SOAP 1.1 §4.4 and §6.2 have it.
func soapFault(_ *Provider, w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.WriteHeader(http.StatusInternalServerError)
	io.WriteString(w, `<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body>`+
		`<soap:Fault><faultcode>soap:Client</faultcode><faultstring>no such artifact</faultstring></soap:Fault></soap:Body></soap:Envelope>`)
}

// resolve is the artifact resolution service (Core §3.5): once.
func (p *Provider) resolve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 1<<20))
	if err != nil {
		p.errorPage(w, "The request cannot be read.")
		return
	}
	id, name, err := p.artifactAsked(r, body)
	if err != nil {
		p.log.Info("refused", "provider", p.name, "at", "artifact", "error", err)
		http.Error(w, http.StatusText(http.StatusForbidden), http.StatusForbidden)
		return
	}
	a, ok := p.saml.artifacts.take(name)
	if ok && a.fault.breaks(Artifact) {
		a.fault.answer(p, w, r)
		return
	}
	answer := p.artifactResponse(id, a.response)
	signer := p.saml.keys.current()
	answer, err = xmlsig.Sign(answer, signer, algorithm(signer))
	p.answerSOAP(w, answer, err)
}

func (p *Provider) artifactAsked(r *http.Request, body []byte) (id, name string, err error) {
	m, err := binding.ReadSOAP(body, xmlgate.Limits{})
	if err != nil {
		return "", "", err
	}
	e, _, err := p.accept(r.Context(), m, true)
	return e.Attr("ID"), e.Child(message.Protocol, "Artifact").Text(), err
}

// artifactResponse is the answer, empty where the artifact is not known.
func (p *Provider) artifactResponse(id string, response *etree.Element) *etree.Element {
	// It is built as a Response, whose parts it has.
	e := message.Response(message.Header{
		ID: "_" + rand.Text(), InResponseTo: id, IssueInstant: p.now(), Issuer: p.saml.entityID,
	}, message.Status{Code: message.Success}, response)
	e.Tag = "ArtifactResponse"
	return e
}

// answerSOAP answers with a message in an envelope.
func (p *Provider) answerSOAP(w http.ResponseWriter, e *etree.Element, err error) {
	var envelope []byte
	if err == nil {
		envelope, err = binding.Envelope(e)
	}
	if err != nil {
		p.broken(w, err)
		return
	}
	w.Header().Set("Content-Type", "text/xml; charset=utf-8")
	w.Write(envelope)
}
