package config

import (
	"crypto/x509"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"
)

// saml checks a SAML connector.
func (r report) saml(c *Connector, s *SAML) {
	for _, key := range []string{"client_id", "client_secret"} {
		if r.own.has(key) {
			r.wrong(key, "is not used by saml: the provider knows the broker by its entity_id and its certificate")
		}
	}
	r.address("saml.entity_id", s.EntityID, ownName)
	r.samlRequest(c, s.Request)
	r.samlResponse(s.Response)
	if s.Response.UnsolicitedApp != "" && s.Request.Force == "always" {
		r.wrong("saml.response.unsolicited_app", "is not for request.force always: whom nobody here sent there nobody asked to sign in anew")
	}
	r.require("saml.logout.page_return", s.Logout.Page == "" || s.Logout.PageReturn != "", " by page")
	r.provides(s)
	for i, name := range s.Lists {
		if slices.Contains(s.Lists[:i], name) {
			r.wrong(indexed("saml.lists", i), "is there twice")
		}
	}
}

// samlRequest checks how sign-ins are asked for.
func (r report) samlRequest(c *Connector, q SAMLRequest) {
	r.nameIDFormat("saml.request.nameid_format", q.NameIDFormat)
	// SAML Core §8.3.8: a transient identifier is another one at each sign-in,
	// so everybody would be new each time.
	transient := TransientNameID(q.NameIDFormat)
	r.require("subject", !transient || r.holder("subject").has("subject"), " with nameid_format transient: it is another identifier at each sign-in")
	r.uris("saml.request.contexts", q.Contexts)
	if r.own.has("saml.request.comparison") && len(q.Contexts) == 0 {
		r.wrong("saml.request.comparison", "is for contexts")
	}
	if q.EIDAS != nil {
		r.uris("saml.request.eidas.attributes", q.EIDAS.Attributes)
	}
	if q.AttributeIndex == nil {
		return
	}
	// Metadata §2.4.4.1: the number is an xs:unsignedShort, and no set is empty.
	if *q.AttributeIndex < 0 || *q.AttributeIndex > math.MaxUint16 {
		r.wrong("saml.request.attribute_index", "must be from 0 to 65535")
	}
	r.require("saml.request.attributes", q.EIDAS != nil || len(q.Attributes) > 0, " by attribute_index, which is their number")
}

// nameIDFormat checks a format to ask for.
func (r report) nameIDFormat(path, format string) {
	words := []string{"persistent", "transient", "email", "unspecified"}
	if format != "" && !slices.Contains(words, format) && absolute(format) != "" {
		r.unknown(path, leaf(path)+" must be "+or(words)+", or a URI", format, words)
	}
}

// TransientNameID reports whether identifiers of a NameID format are others at
// each sign-in: transient (SAML Core §8.3.8), in whatever spelling, and what
// Shibboleth had before there was that.
func TransientNameID(format string) bool {
	format = strings.ToLower(strings.TrimSpace(format))
	return format == "transient" || strings.HasSuffix(format, ":transient") || format == "urn:mace:shibboleth:1.0:nameidentifier"
}

// uris checks names that are URIs, each of them written once.
func (r report) uris(path string, names []string) {
	for i, name := range names {
		r.address(indexed(path, i), name, absolute)
		if slices.Contains(names[:i], name) {
			r.wrong(indexed(path, i), "is there twice")
		}
	}
}

// samlResponse checks what answers are accepted.
func (r report) samlResponse(a SAMLResponse) {
	if a.InsecureAllowSHA1 {
		r.risky("saml.response.insecure_allow_sha1", "accepts signatures that can be forged: have the provider sign with SHA-256")
	}
	if a.UnsolicitedApp != "" {
		r.risky("saml.response.unsolicited_app", "accepts sign-ins that nobody here asked for: somebody else can sign a resident in as themselves by a link")
		if !slices.Contains(r.apps, a.UnsolicitedApp) {
			r.unknown("saml.response.unsolicited_app", fmt.Sprintf("there is no app %q", a.UnsolicitedApp), a.UnsolicitedApp, r.apps)
		}
	}
	if a.ClockSkew < 0 || a.ClockSkew > time.Minute {
		r.wrong("saml.response.clock_skew", "must be from 0s to 60s")
	}
	if a.MaxAge <= 0 || a.MaxAge > 15*time.Minute {
		r.wrong("saml.response.max_age", "must be more than 0s and at most 15m")
	}
	if a.MaxValues < 1 || a.MaxValues > 8000 {
		r.wrong("saml.response.max_values", "must be from 1 to 8000")
	}
}

// provides checks the settings against the provider's metadata, as far as that
// is at hand.
func (r report) provides(s *SAML) {
	p, at := r.party, "saml.metadata"
	if p == nil {
		return
	}
	sso := location(p.sso, map[string]string{"redirect": bindingRedirect, "post": bindingPOST}[s.Request.Binding])
	if sso == "" {
		r.wrong(at, "has no sign-in address for request.binding %s", s.Request.Binding)
	}
	if s.Response.Binding == "artifact" {
		if location(p.artifact, bindingSOAP) == "" {
			r.wrong(at, "has no artifact resolution service, which response.binding artifact needs")
		}
	}
	if p.wantsSigned && !*s.Request.Sign {
		r.wrong("saml.request.sign", "must be true: the provider's metadata wants signed requests")
	}
	good := func(c *x509.Certificate) bool { return r.now.Before(c.NotAfter) }
	switch {
	case len(p.signing) == 0:
		r.wrong(at, "has no certificate to check the provider's signatures with")
	case s.Response.EnforceExpiry && !slices.ContainsFunc(p.signing, good):
		r.risky("saml.response.enforce_expiry", "leaves no key, so that nobody can sign in: every certificate of the provider has expired")
	}
}
