package config

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"slices"
	"time"
)

// metadata checks where metadata comes from, and reads it where it is at hand.
// It returns nil for metadata that is fetched later, or is of no use.
func (r report) metadata(path string, m Metadata, k kind) *party {
	if !r.source(path, m) || m.URL != "" {
		return nil
	}
	at, what := join(path, "inline"), "it"
	text := []byte(m.Inline)
	if m.File != "" {
		at, what = join(path, "file"), m.File
		var ok bool
		if text, ok = r.file(at, m.File); !ok {
			return nil
		}
	}
	all, err := readMetadata(text)
	if err != nil {
		r.wrong(at, "must be SAML metadata, and %s is not: %v", what, err)
		return nil
	}
	one, ok := r.pick(path, what, m.EntityID, all)
	if !ok {
		return nil
	}
	return r.described(at, one, k)
}

// source checks where metadata comes from. It reports whether there is one
// place.
func (r report) source(path string, m Metadata) bool {
	given, written := 0, false
	for key, s := range map[string]string{"url": m.URL, "file": m.File, "inline": m.Inline} {
		if s != "" {
			given++
		}
		written = written || r.own.has(join(path, key))
	}
	switch {
	case given > 1:
		r.wrong(path, "must have one of url, file and inline, not several")
	case given == 0 && !r.own.has(path):
		r.require(path, false, "")
	case given == 0 && !written:
		r.wrong(path, "must have a url, a file or inline")
	}
	r.require(path+".entity_id", m.URL == "" || m.EntityID != "", " with url: it says whose metadata is expected there")
	r.address(path+".entity_id", m.EntityID, entityName)
	r.authorities(path+".signer", m.Signer)
	r.fetched(path, m)
	return given == 1
}

// fetched checks how metadata is kept fresh.
func (r report) fetched(path string, m Metadata) {
	if m.URL == "" {
		for _, key := range []string{"refresh", "keep_last_good"} {
			if r.own.has(join(path, key)) {
				r.wrong(join(path, key), "is for url: a file is read again when the configuration is")
			}
		}
		return
	}
	if m.Signer == "" && r.own.has(path+".url") {
		r.risky(path+".url", "rests on TLS alone: whoever can answer there decides whom the broker trusts. Where the document is signed, name the certificate in signer")
	}
	if m.Refresh < time.Minute {
		r.wrong(path+".refresh", "must be at least 1m")
	}
	if m.KeepLastGood < m.Refresh {
		r.wrong(path+".keep_last_good", "must not be shorter than refresh, %v", m.Refresh)
	}
}

// kind is what an entity is read as.
type kind struct {
	name  string // for people
	other string // what it may be by mistake
	roles func(entity) []role
	not   func(entity) []role
}

func identityProvider() kind {
	return kind{
		"an identity provider", "a service provider",
		func(e entity) []role { return e.IDP }, func(e entity) []role { return e.SP },
	}
}

func serviceProvider() kind {
	return kind{
		"a service provider", "an identity provider",
		func(e entity) []role { return e.SP }, func(e entity) []role { return e.IDP },
	}
}

// pick returns the entity that is meant.
func (r report) pick(path, what, id string, all []entity) (entity, bool) {
	var ids []string
	for _, e := range all {
		if e.ID == id || id == "" && len(all) == 1 {
			return e, true
		}
		ids = append(ids, e.ID)
	}
	if id == "" {
		r.require(path+".entity_id", false, fmt.Sprintf(", as %s describes %d entities", what, len(all)))
		return entity{}, false
	}
	r.unknown(path+".entity_id", fmt.Sprintf("%s does not describe %q", what, id), id, ids)
	return entity{}, false
}

// described checks what an entity's metadata says of the role that matters.
func (r report) described(at string, e entity, k kind) *party {
	found, ok := speaks(k.roles(e))
	if _, other := speaks(k.not(e)); !ok && other {
		r.wrong(at, "must be the metadata of %s: %s is %s", k.name, e.ID, k.other)
		return nil
	}
	if !ok {
		r.wrong(at, "must be the metadata of %s that speaks SAML 2.0: %s is none", k.name, e.ID)
		return nil
	}
	if e.ID == "" {
		r.wrong(at, "must say who it is about: it has no entityID")
		return nil
	}
	r.endpoints(at, found)
	r.inDate(at, earlier(e.ValidUntil, found.ValidUntil))
	signing, err := certificates(found.Keys, "signing")
	encryption, also := certificates(found.Keys, "encryption")
	if err != nil || also != nil {
		r.wrong(at, "has a certificate that cannot be read: %v", cmp.Or(err, also))
		return nil
	}
	r.certificates(at, slices.Concat(signing, encryption))
	return &party{
		id: e.ID, wantsSigned: found.WantsSigned, signs: found.Signs,
		signing: signing, encryption: encryption,
		sso: found.SSO, artifact: found.Artifact, acs: found.ACS, slo: found.SLO,
	}
}

// endpoints checks every address that a browser or the broker may be led to: a
// form that is posted to javascript: is a script, and what goes by http is
// anybody's to read and to change.
func (r report) endpoints(at string, of role) {
	var seen []string
	for _, e := range slices.Concat(of.SSO, of.Artifact, of.ACS, of.SLO) {
		for _, address := range []string{e.Location, e.Response} {
			if e.spoken() && !slices.Contains(seen, address) {
				r.endpoint(at, address)
			}
			seen = append(seen, address)
		}
	}
}

// endpoint checks an address in metadata.
func (r report) endpoint(path, address string) {
	r.address(path, address, func(s string) string {
		if wrong := secure(s); wrong != "" {
			return "has the address " + s + ", which " + wrong
		}
		return ""
	})
}

// inDate warns of metadata that is not valid any more: nobody signs in by it.
// That comes with time, and must not keep the rest from starting.
func (r report) inDate(at, until string) {
	if until == "" {
		return
	}
	end, err := instant(until)
	switch {
	case err != nil:
		r.wrong(at, "has a validUntil that is no time: %q", until)
	case r.now.After(end):
		r.risky(at, "is out of date and lets nobody sign in: it was valid until %s. Ask for the metadata of today", end.Format(time.DateOnly))
	}
}

// certificates checks keys of the other side.
func (r report) certificates(at string, all []*x509.Certificate) {
	for i, c := range all {
		if slices.ContainsFunc(all[:i], c.Equal) {
			continue
		}
		if weak(c) {
			r.wrong(at, "has an RSA key of less than 2048 bits, which can be broken: ask for another")
		}
		if r.now.After(c.NotAfter) {
			r.risky(at, "has a key whose certificate expired on %s: ask whether there is another", c.NotAfter.Format(time.DateOnly))
		}
	}
}
