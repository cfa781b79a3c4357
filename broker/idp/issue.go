package idp

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// early is how long before now an assertion is valid: apps' clocks are slow.
const early = time.Minute

// Issue answers a request with an assertion (Profiles §4.1.4.2). Claims are
// released now, as the session knows them.
func (s *Server) Issue(w http.ResponseWriter, r *http.Request, req login.Request, session login.Session, b *store.Batch) error {
	q, err := s.questionOf(r.Context(), req)
	if err != nil {
		return err
	}
	statement, told, err := s.statement(q, session)
	if e, ok := errors.AsType[*refusal](err); ok {
		if err := b.Exec(r.Context()); err != nil {
			return err
		}
		return s.refuse(w, r, q, e.Status)
	}
	response, err := s.response(q, statement)
	if err != nil {
		return fmt.Errorf("app %s: %w", q.party.ID, err)
	}
	if err := s.note(b, q.app, session, statement, told); err != nil {
		return err
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	web.Annotate(r, answer(message.Status{Code: message.Success}))
	return s.respond(w, r, q.to, response)
}

// statement says of the session what the app may know. told are the names of
// the claims in it, as Shares has them. The error is a refusal.
func (s *Server) statement(q question, session login.Session) (st message.Statement, told []string, err error) {
	class, ok := q.contexts.choose(q.Contexts, q.Comparison, q.Assurance.Vector(), session.Level)
	if !ok {
		return st, nil, refused(message.Responder, message.NoAuthnContext, "no requested authentication context was met")
	}
	name, err := s.name(q.app, session, q.Format)
	if err != nil {
		return st, nil, refused(message.Responder, message.InvalidNameIDPolicy, err.Error())
	}
	if q.Subject != "" && q.Subject != name.Value {
		// Core §3.4.1.4: an assertion must be about whom the app asked for.
		return st, nil, refused(message.Responder, message.UnknownPrincipal, "somebody else signed in than the request is about")
	}
	now := s.Now()
	st = message.Statement{
		ID: newID(), Issuer: s.entityID(), IssueInstant: now, NameID: name,
		Recipient: q.to.location, InResponseTo: q.reply.ID, Audience: q.entityID,
		NotBefore: now.Add(-early), NotOnOrAfter: now.Add(q.saml.Lifetime),
		AuthnInstant: session.AuthTime, Context: class,
		SessionIndex: q.sessionIndex(session), SessionNotOnOrAfter: s.Flow.Over(session),
	}
	if session.Issuer != "" {
		st.Authorities = []string{session.Issuer} // Core §2.7.2.2: who authenticated the resident
	}
	st.Attributes, told = q.release.apply(session.Known(), session.Account.Subject(q.Sector))
	if q.telling(q.Format) {
		told = append(told, "nameid")
	}
	if session.Acting != nil {
		st.Attributes = append(st.Attributes, message.Attribute{
			Name: "act", NameFormat: mapping.NameFormatBasic, Values: []string{session.Acting.Subject(q.Sector)},
		})
	}
	return st, told, nil
}

// Shares implements [login.FrontEnd]. A name identifier that says who somebody is, and
// not only that they are the same person, is part of it.
func (s *Server) Shares(req login.Request, session login.Session) (login.Sharing, error) {
	var kept reply
	if err := json.Unmarshal(req.Reply, &kept); err != nil {
		return login.Sharing{}, fmt.Errorf("read the kept reply: %w", err)
	}
	a, ok := s.ids[req.App]
	if !ok {
		return login.Sharing{}, page(web.AppUnknown, "the app is not registered any more")
	}
	shares := login.Sharing{Claims: mapping.Claims{}}
	attributes, told := a.release.apply(session.Known(), session.Account.Subject(a.Sector))
	for i, name := range told {
		if name != "sub" {
			shares.Claims[name] = asClaim(attributes[i].Values)
		}
	}
	if value, err := a.identifier(session, kept.Format); err == nil && a.telling(kept.Format) {
		shares.Claims["nameid"] = value
	}
	return shares, nil
}

// asClaim is the values of an attribute as those of a claim.
func asClaim(values []string) any {
	if len(values) == 1 {
		return values[0]
	}
	all := make([]any, len(values))
	for i, v := range values {
		all[i] = v
	}
	return all
}

// response is the Response with the assertion, signed and encrypted as the app
// wants it: signed before it is encrypted, as encryption says nothing of who
// wrote something.
func (s *Server) response(q question, st message.Statement) (*etree.Element, error) {
	assertion := st.Element()
	var err error
	if q.saml.Sign != "response" {
		if assertion, err = xmlsig.Sign(assertion, s.signer(), q.algorithm()); err != nil {
			return nil, err
		}
	}
	if q.encrypts() {
		if assertion, err = q.encrypt(assertion); err != nil {
			return nil, err
		}
	}
	response := message.Response(s.header(q.to.location, st.InResponseTo), message.Status{Code: message.Success}, assertion)
	if q.saml.Sign == "assertion" {
		return response, nil
	}
	return xmlsig.Sign(response, s.signer(), q.algorithm())
}

// encrypts reports whether assertions for the app are encrypted.
func (p party) encrypts() bool {
	return p.saml.Encrypt == "always" || p.saml.Encrypt == "auto" && len(p.metadata.Encryption) > 0
}

var errNoEncryptionKey = errors.New("encrypt is always, and there is no RSA key to encrypt to")

func (p party) encrypt(assertion *etree.Element) (*etree.Element, error) {
	if len(p.metadata.Encryption) == 0 {
		return nil, errNoEncryptionKey
	}
	data, err := xmlenc.Encrypt(assertion, p.metadata.Encryption[0], p.cipher(), xmlenc.Key(p.saml.KeyTransport))
	if err != nil {
		return nil, err
	}
	return message.Encrypted(data), nil
}

// cipher is the content encryption: what the operator wrote, else GCM where the
// app says that it can, else what all can.
func (p party) cipher() xmlenc.Data {
	if p.saml.Encryption != "auto" {
		return xmlenc.Data(p.saml.Encryption)
	}
	for _, gcm := range []xmlenc.Data{xmlenc.AES256GCM, xmlenc.AES128GCM} {
		if slices.Contains(p.metadata.DataMethods, gcm.URI()) {
			return gcm
		}
	}
	return xmlenc.AES256CBC
}

// header begins a message of ours to destination. request is the ID of what it
// answers.
func (s *Server) header(destination, request string) message.Header {
	return message.Header{ID: newID(), InResponseTo: request, IssueInstant: s.Now(), Destination: destination, Issuer: s.entityID()}
}

// newID is an ID of XML, which must not begin with a digit.
func newID() string { return "id-" + rand.Text() }
