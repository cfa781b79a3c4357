package connectors

import (
	"errors"
	"maps"
	"slices"
	"time"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/mapping"
)

// expect is what a response to an attempt has to fulfil.
func (c *samlConnector) expect(e *metadata.Entity, a Attempt) message.Expect {
	r := c.settings.Response
	x := message.Expect{
		Issuer: e.ID, Audience: c.settings.EntityID, ACS: c.acs,
		Unsolicited: a.Nonce == "",
		Keys:        e.Signing, Policy: c.trust(), Signed: r.Signed,
		Decrypters: c.decrypters(), Encrypted: r.Encrypted,
		Limits: c.limits, MaxValues: r.MaxValues,
		Skew: r.ClockSkew, MaxAge: r.MaxAge, Now: c.now(),
	}
	if a.Nonce != "" {
		x.InResponseTo = messageID(a.Nonce)
	}
	x.Encryption = c.encryption()
	return x
}

func (c *samlConnector) encryption() xmlenc.Policy {
	var p xmlenc.Policy
	for _, name := range c.settings.Response.Encryption {
		p.Data = append(p.Data, xmlenc.Data(name))
	}
	return p
}

// check holds what a response proves against what was asked.
func (c *samlConnector) check(a Attempt, f *message.Facts) error {
	switch {
	case c.forces(a) && f.AuthnInstant.Add(c.settings.Response.ClockSkew).Before(a.Started):
		// Nothing else proves that ForceAuthn, which is in the browser's hands
		// on its way, was heeded.
		return fail(Refused, "assertion: AuthnInstant is before the new sign-in that was asked for")
	case !c.formatted(f.NameID):
		return fail(Refused, "assertion: NameID of another Format than was asked for")
	case !meets(f.Context, c.contexts(a), c.settings.Request.Comparison):
		return fail(Unmet, "assertion: the authentication context is not what was asked for")
	case f.ProxyCount != nil && *f.ProxyCount == 0, len(f.ProxyAudiences) > 0:
		// Core §2.5.1.6: the provider does not let us assert anything on the
		// strength of this, or not to our apps.
		return fail(NotAllowed, "assertion: ProxyRestriction forbids to pass it on")
	}
	return nil
}

// assertion is what a response says, in the provider's own words.
func (c *samlConnector) assertion(e *metadata.Entity, f *message.Facts) (*Assertion, error) {
	claims := c.claims(e, f)
	subject, err := c.subjectFrom(f.NameID, claims)
	if err != nil {
		return nil, err
	}
	session, err := c.session(e, f)
	if err != nil {
		return nil, err
	}
	return &Assertion{
		Issuer: e.ID, Subject: subject, Claims: claims,
		// A signature covers all that Facts has.
		Signed: mapping.Signed{"assertion": claims, "context": {"class": f.Context}},
		ACR:    f.Context, AuthTime: f.AuthnInstant,
		Once:    Once{ID: f.AssertionID, Until: c.forgotten(f.Until)},
		Session: session, SessionEnds: f.SessionNotOnOrAfter,
	}, nil
}

// forgotten is when nobody has to remember any more what this node refuses as
// too old after until. Another node, whose clock is as far from ours as a
// provider's may be, would take it for so much longer.
func (c *samlConnector) forgotten(until time.Time) time.Time {
	return until.Add(c.settings.Response.ClockSkew)
}

// subjectFrom finds the person. A NameID that is another one tomorrow cannot
// say who somebody is: then subject must point to an attribute, which was agreed on
// with the provider if it is sent at all.
func (c *samlConnector) subjectFrom(id message.NameID, claims mapping.Claims) (string, error) {
	lasts := lasting(id)
	if !lasts {
		claims = maps.Clone(claims)
		delete(claims, "sub")
	}
	subject, err := c.subjectOf(claims)
	if !lasts && errors.Is(err, mapping.ErrAbsent) {
		return "", fail(Misconfigured, "the provider sends no lasting NameID, and subject finds nothing else: %w", err)
	}
	return subject, err
}

// claims are the attributes by their names, and the NameID. What is called as
// a part of the NameID is never an attribute.
func (c *samlConnector) claims(e *metadata.Entity, f *message.Facts) mapping.Claims {
	claims := mapping.Claims{}
	for _, a := range inScope(e, f.Attributes) {
		switch {
		case slices.Contains(c.settings.Lists, a.Name) || len(a.Values) > 1:
			claims[a.Name] = list(a.Values)
		case len(a.Values) == 1:
			claims[a.Name] = a.Values[0]
		}
	}
	for name, value := range map[string]string{
		"sub":                 c.sub(e, f.NameID),
		"nameid_format":       f.NameID.Format,
		"nameid_qualifier":    f.NameID.NameQualifier,
		"nameid_sp_qualifier": f.NameID.SPNameQualifier,
	} {
		delete(claims, name)
		if value != "" {
			claims[name] = value
		}
	}
	return claims
}

// list is what encoding/json makes of a list of texts.
func list(texts []string) []any {
	all := make([]any, len(texts))
	for i, text := range texts {
		all[i] = text
	}
	return all
}
