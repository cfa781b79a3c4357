package config

import "slices"

// looseSAML finds in which a SAML connector is less strict than its preset.
func looseSAML(base, s *SAML) []loosening {
	all := findings(slices.Concat(looseMetadata(base.Metadata, s.Metadata), looseResponse(base.Response, s.Response)))
	was, is := base.Request, s.Request
	all.note(*was.Sign && !*is.Sign, "saml.request.sign", "anybody could write requests in the broker's name")
	all.note(was.Force == "always" && is.Force != "always", "saml.request.force", "a session that somebody left open at the provider would do")
	other := func(c string) bool { return !slices.Contains(was.Contexts, c) && !raises(c, was.Contexts) }
	all.note(len(was.Contexts) > 0 && slices.ContainsFunc(is.Contexts, other), "saml.request.contexts", "it asks for another way of signing in")
	all.note(len(was.Contexts) > 0 && is.Comparison != was.Comparison, "saml.request.comparison", "it asks for another way of signing in")
	all.note(*base.Logout.Accept && !*s.Logout.Accept, "saml.logout.accept", unheard)
	return all
}

// raises reports whether a context is an eIDAS level above one of others. Of
// contexts in general nobody knows which is the stronger.
func raises(context string, others []string) bool {
	levels := []string{"http://eidas.europa.eu/LoA/low", "http://eidas.europa.eu/LoA/substantial", "http://eidas.europa.eu/LoA/high"}
	i := slices.Index(levels, context)
	return i > 0 && slices.ContainsFunc(levels[:i], func(lower string) bool { return slices.Contains(others, lower) })
}

// looseMetadata finds what says who the provider is, the address left out, as
// looseAddresses finds that.
func looseMetadata(base, m Metadata) []loosening {
	const why = "it lets somebody else say who residents are"
	if base.URL+base.File+base.Inline == "" {
		return nil // a preset of a product, not of one provider
	}
	var all []loosening
	for _, key := range []struct{ path, was, is string }{
		{"saml.metadata.file", base.File, m.File},
		{"saml.metadata.inline", base.Inline, m.Inline},
		{"saml.metadata.entity_id", base.EntityID, m.EntityID},
	} {
		if key.is != key.was {
			all = append(all, loosening{key.path, why})
		}
	}
	if base.Signer != "" && m.Signer != base.Signer {
		all = append(all, loosening{"saml.metadata.signer", why})
	}
	return all
}

func looseResponse(base, s SAMLResponse) []loosening {
	var all findings
	all.note(signedStrength(s.Signed) < signedStrength(base.Signed), "saml.response.signed", "less of an answer would have to be signed")
	all.note(base.Encrypted == "required" && s.Encrypted != "required", "saml.response.encrypted", "what the provider says would lie open in the browser")
	all.note(!subset(s.Algorithms, base.Algorithms), "saml.response.algorithms", "the provider does not sign with all of these")
	all.note(!subset(s.Encryption, base.Encryption), "saml.response.encryption", "the provider does not encrypt with all of these")
	all.note(s.InsecureAllowSHA1 && !base.InsecureAllowSHA1, "saml.response.insecure_allow_sha1", "the provider does not sign with it, and it can be forged")
	all.note(base.EnforceExpiry && !s.EnforceExpiry, "saml.response.enforce_expiry", "keys of expired certificates would do")
	return all
}

// signedStrength orders what must be signed by how much of an answer is.
func signedStrength(signed string) int {
	switch signed {
	case "both":
		return 2
	case "either":
		return 0
	}
	return 1
}
