package config

import (
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// application reads who a SAML app is.
func (r report) application(s *AppSAML) *party {
	switch {
	case s.Manual != nil && r.own.has("saml.metadata"):
		r.wrong("saml.manual", "and metadata cannot both be given")
		return nil
	case s.Manual != nil:
		return r.manual(s.Manual)
	case !r.own.has("saml.metadata") && !r.own.has("saml.manual"):
		r.wrong("saml", "must have metadata, or manual for an app without any")
		return nil
	}
	r.address("saml.metadata.url", s.Metadata.URL, secure)
	return r.metadata("saml.metadata", s.Metadata, serviceProvider())
}

// manual checks what metadata would say.
func (r report) manual(m *ManualSP) *party {
	p := &party{id: m.EntityID}
	r.address("saml.manual.entity_id", m.EntityID, entityName)
	for i, acs := range m.ACS {
		at := indexed("saml.manual.acs", i)
		r.address(at, acs, secure)
		if slices.Contains(m.ACS[:i], acs) {
			r.wrong(at, "is there twice")
		}
		p.acs = append(p.acs, endpoint{Binding: bindingPOST, Location: acs})
	}
	for key, slo := range map[string]endpoint{
		"slo": {Binding: bindingRedirect, Location: m.SLO}, "slo_soap": {Binding: bindingSOAP, Location: m.SLOSOAP},
	} {
		r.address(join("saml.manual", key), slo.Location, secure)
		if slo.Location != "" {
			p.slo = append(p.slo, slo)
		}
	}
	if m.Certificate == "" {
		return p
	}
	text, ok := r.file("saml.manual.certificate", m.Certificate)
	if !ok {
		return p
	}
	all, err := certificatesOf(text)
	if err != nil {
		r.wrong("saml.manual.certificate", "must be a PEM file of certificates, and %s is not: %v", m.Certificate, err)
	}
	r.certificates("saml.manual.certificate", all)
	p.signing, p.encryption = all, all
	return p
}

// samlApp checks an app that speaks SAML.
func (r report) samlApp(a *App, s *AppSAML) {
	r.require("home", a.Home != "" || s.Metadata.URL == "", ", as the app's addresses are fetched later")
	r.samlSector(s)
	r.loose(s)
	r.addressed(s)
	r.keyed(s)
	r.started(s)
	r.named(a, s.NameID)
	r.attributes(a.Release, s.Attributes)
	r.told(s)
	if t := s.Logout.Timeout; t <= 0 || t > 30*time.Second {
		r.wrong("saml.logout.timeout", "must be more than 0s and at most 30s: somebody waits meanwhile")
	}
}

// samlSector makes sure that an app which calls itself after somebody else's host
// is not told that one's subjects.
func (r report) samlSector(s *AppSAML) {
	var addresses []string
	switch {
	case r.party != nil:
		for _, e := range r.party.acs {
			if e.Binding == bindingPOST {
				addresses = append(addresses, e.Location)
			}
		}
	case s.Metadata.URL != "":
		addresses = []string{s.Metadata.URL}
	}
	strays := StraysFrom(s.EntityID(), addresses...)
	r.require("sector", !strays || r.own.has("sector"), ", as the app's entityID names another host than its addresses")
}

// loose warns of what makes it easy to forge the app's messages, or to pass for
// somebody else there.
func (r report) loose(s *AppSAML) {
	if s.Requests == "never_signed" {
		r.risky("saml.requests", "are believed whoever wrote them, though the app's metadata says that it signs them")
	}
	if s.InsecureAllowSHA1 {
		r.risky("saml.insecure_allow_sha1", "accepts signatures that can be forged: have the app sign with SHA-256")
	}
	if s.InsecureUnverifiedEmail {
		r.risky("saml.insecure_unverified_email", "tells the app addresses that may be somebody else's: it must not know residents by them")
	}
	if s.Logout.InsecureUnsigned {
		r.risky("saml.logout.insecure_unsigned", "lets anybody sign a resident out by a link: have the app sign its logout messages")
	}
}

// addressed checks that responses can be sent to the app.
func (r report) addressed(s *AppSAML) {
	if r.party != nil && s.Manual == nil && r.party.defaultACS() == "" {
		r.wrong("saml.metadata", "has no address that takes responses by POST")
	}
}

// keyed checks that the app has the keys that its settings need.
func (r report) keyed(s *AppSAML) {
	for _, key := range []string{"saml.encryption", "saml.key_transport"} {
		if s.Encrypt == "never" && r.own.has(key) {
			r.wrong(key, "is not used with encrypt never")
		}
	}
	p, at := r.party, "saml.metadata"
	if p == nil {
		return
	}
	if s.Manual != nil {
		at = "saml.manual"
	}
	switch {
	case len(p.signing) > 0:
	case s.Requests == "required":
		r.wrong(at, "has no certificate to check the app's requests with, which must be signed")
	case s.Requests == "auto" && p.signs:
		r.wrong(at, "says that the app signs its requests, and has no certificate to check them with: ask for it, or write requests: never_signed")
	case s.Manual != nil && s.Manual.SLO != "" && !s.Logout.InsecureUnsigned:
		r.wrong("saml.manual.slo", "needs certificate: the app's logout messages must be signed")
	case len(p.slo) > 0 && !s.Logout.InsecureUnsigned:
		r.risky(at, "has no certificate to check the app's logout messages with, so that all are refused: ask for it, or write logout.insecure_unsigned")
	}
	switch {
	case len(p.encryption) > 0:
	case s.Encrypt == "always":
		r.wrong(at, "has no certificate to encrypt to, which encrypt always needs")
	case s.Encrypt == "auto":
		r.risky("saml.encrypt", "has nothing to encrypt to, so that assertions lie open in the browser: ask for the app's certificate")
	}
}

// vouched warns of an e-mail address that the app is never told, because no
// connector that gives one vouches for it.
func (r report) vouched(a *App, connectors []Connector) {
	email := slices.IndexFunc(a.Release, func(c Release) bool { return c.As == "email" })
	if a.SAML == nil || a.SAML.InsecureUnverifiedEmail || email < 0 {
		return
	}
	given := false
	for _, c := range connectors {
		if !a.opens(c) || c.Claims["email"] == "" {
			continue
		}
		if c.Trust.Email.Policy != "never" {
			return
		}
		given = true
	}
	if given {
		r.add(indexed("release", email), Problem{
			Warning: true, Message: "email is never told: a SAML app is told addresses that a provider vouches for, and by trust.email no connector's does",
		})
	}
}

// started checks sign-ins that the broker's own address starts.
func (r report) started(s *AppSAML) {
	if s.Start {
		r.risky("saml.start", "lets any page sign a resident in to this app without their asking for it")
	}
	if len(s.Targets) > 0 && !s.Start {
		r.wrong("saml.targets", "are for start")
	}
	for i, target := range s.Targets {
		r.address(indexed("saml.targets", i), target, secure)
		if slices.Contains(s.Targets[:i], target) {
			r.wrong(indexed("saml.targets", i), "is there twice")
		}
	}
}

// named checks what the app knows residents by.
func (r report) named(a *App, n AppNameID) {
	for i, format := range n.Formats {
		if slices.Contains(n.Formats[:i], format) {
			r.wrong(indexed("saml.nameid.formats", i), "is there twice")
		}
	}
	// An app sees no claim that it is not registered for, in whatever place.
	email := func(c Release) bool { return c.As == "email" }
	if i := slices.Index(n.Formats, "email"); i >= 0 && !slices.ContainsFunc(a.Release, email) {
		r.wrong(indexed("saml.nameid.formats", i), "shows the app an e-mail address: add email to release")
	}
	if n.Value == "" {
		return
	}
	if !slices.Contains(n.Formats, "persistent") && !slices.Contains(n.Formats, "unspecified") {
		r.wrong("saml.nameid.value", "is for the formats persistent and unspecified")
	}
	if _, mistake := mapping.CompileExpression("claims", n.Value); mistake != nil {
		mistake.Path = "saml.nameid.value"
		r.inside(*mistake)
	}
}

// attributes checks what released claims are called, in a style.
func (r report) attributes(release []Release, style string) {
	seen := map[string]string{}
	for i, claim := range release {
		at := indexed("release", i)
		name, _, _ := mapping.AttributeName(style, claim.As)
		if claim.Attribute != "" {
			name = claim.Attribute
		}
		if other, taken := seen[name]; taken && other != claim.As {
			r.add(at, Problem{Message: claim.As + " and " + other + " are both the attribute " + name + ": of the two the app would see one"})
		}
		seen[name] = claim.As
		if strings.ContainsAny(claim.Attribute, " \t\n") {
			r.wrong(at+".attribute", "must not hold blanks")
		}
		// SAML Core §8.2.2.
		if claim.NameFormat == "uri" && absolute(name) != "" {
			r.wrong(at+".name_format", "must be basic or unspecified: %s is no URI", name)
		}
	}
}

// noAttributes refuses the words of SAML to an app that does not speak it.
func (r report) noAttributes(release []Release) {
	for i := range release {
		for _, key := range []string{"attribute", "friendly", "name_format"} {
			if path := join(indexed("release", i), key); r.own.has(path) {
				r.wrong(path, "is for SAML apps")
			}
		}
	}
}

// told checks what the app hears of how a resident signed in.
func (r report) told(s *AppSAML) {
	seen := registrations{}
	for i, c := range s.Contexts {
		at := indexed("saml.contexts", i)
		if !r.own.has(at) {
			break // they follow from broker.yaml
		}
		r.address(at+".class", c.Class, absolute)
		if c.Class != "" && seen.claim(at, c.Class) != "" {
			r.wrong(at+".class", "is there twice")
		}
		r.deserved(at, c)
		more := func(before AppContext) bool {
			return before.Vector() != c.Vector() && before.Vector().AtLeast(c.Vector())
		}
		if slices.ContainsFunc(s.Contexts[:i], more) {
			r.wrong(at, "must not mean less than one before it: a sign-in is told by the last that it fulfils")
		}
	}
	if r.own.has("saml.max_authn_age") {
		r.positive("saml.max_authn_age", s.MaxAuthnAge)
	}
	if s.Lifetime < time.Minute || s.Lifetime > time.Hour {
		r.wrong("saml.lifetime", "must be from 1m to 1h")
	}
}

// deserved checks that no sign-in is told by a class that promises more.
func (r report) deserved(at string, c AppContext) {
	silent := c.Vector() == mapping.Assurance{} && !r.own.has(at+".identity")
	switch least := promised(c.Class); {
	case c.Class == "" || c.Class == contextUnspecified:
	case silent:
		r.wrong(at, "must say the least identity or authenticator: else every sign-in is told as %s", c.Class)
	case !c.Vector().AtLeast(least.Vector()):
		r.wrong(at, "must have %s or more, which is what %s promises", words(least.Vector()), c.Class)
	}
}
