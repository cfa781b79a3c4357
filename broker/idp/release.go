package idp

import (
	"cmp"
	"crypto/sha256"
	"encoding/base32"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

// release is what an app is told of a resident, beside the name identifier.
type release struct {
	claims     *mapping.Release
	attributes []attribute
	scopes     []string // domains that scoped values may end in
	anyEmail   bool     // also an e-mail address that nobody vouches for
}

// attribute is what one claim is called towards the app.
type attribute struct {
	claim string
	message.Attribute
}

// everyScope: SAML knows no scopes, so that the app's list alone decides.
var everyScope = []string{"openid", "profile", "email", "address", "phone"}

// nameFormats are SAML's names of what operators write.
var nameFormats = map[string]string{
	"uri":         mapping.NameFormatURI,
	"basic":       mapping.NameFormatBasic,
	"unspecified": mapping.NameFormatUnspecified,
}

func newRelease(registered config.App, scopes []string) (release, error) {
	out := release{scopes: scopes, anyEmail: registered.SAML.InsecureUnverifiedEmail}
	var rules []mapping.ReleaseRule
	for _, r := range registered.Release {
		rules = append(rules, mapping.ReleaseRule{As: r.As, Value: r.Value})
		a := newAttribute(r, registered.SAML.Attributes)
		// The subject is the name identifier. It is an attribute only where
		// it has a name as one.
		if r.As != "sub" || a.Name != "sub" {
			out.attributes = append(out.attributes, a)
		}
	}
	claims, mistakes := mapping.CompileRelease(rules)
	if len(mistakes) > 0 {
		return release{}, &mistakes[0]
	}
	out.claims = claims
	return out, nil
}

func newAttribute(r config.Release, style string) attribute {
	name, format, friendly := mapping.AttributeName(style, r.As)
	if r.Attribute != "" {
		name, format, friendly = r.Attribute, mapping.NameFormatBasic, ""
		if strings.Contains(name, ":") {
			format = mapping.NameFormatURI
		}
	}
	return attribute{claim: r.As, Attribute: message.Attribute{
		Name: name, NameFormat: cmp.Or(nameFormats[r.NameFormat], format), FriendlyName: cmp.Or(r.Friendly, friendly),
	}}
}

// apply returns the attributes of somebody, and the names of the claims that
// they tell.
func (out release) apply(said mapping.Statement, subject string) (attributes []message.Attribute, told []string) {
	claims := out.claims.Apply(out.known(said), everyScope)
	certain := out.claims.Apply(vouched(said), everyScope)
	claims["sub"], certain["sub"] = subject, subject
	for _, a := range out.attributes {
		values := texts(claims[a.claim])
		switch {
		case mapping.Scoped(a.Name):
			values = out.scoped(a.claim, texts(certain[a.claim]))
		case slices.Contains(logins(), a.Name):
			values = texts(certain[a.claim])
		}
		if len(values) == 0 {
			continue
		}
		a.Values = values
		attributes, told = append(attributes, a.Attribute), append(told, a.claim)
	}
	return attributes, told
}

// logins are attributes that apps find somebody's account by: uid and AD FS's
// UPN. Nobody may choose them.
func logins() []string {
	return []string{
		"urn:oid:0.9.2342.19200300.100.1.1",
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn",
	}
}

// known are the claims that the app may be told. SAML has no word that marks an
// e-mail address as one that anybody may have written as theirs, and apps take
// whoever has the address for its owner.
func (out release) known(said mapping.Statement) mapping.Claims {
	if out.anyEmail || slices.Contains(said.Verified, "email") {
		return said.Claims
	}
	claims := maps.Clone(said.Claims)
	delete(claims, "email")
	return claims
}

// scoped are the values that we may speak for: those that end in a scope of
// ours, made of nothing but what the provider vouches for. Such a value says
// that somebody is of the council, so nobody may choose it, and one without a
// scope gets none.
func (out release) scoped(claim string, values []string) []string {
	if claim == "sub" && len(out.scopes) > 0 {
		return []string{pairwiseID(values[0]) + "@" + out.scopes[0]}
	}
	return slices.DeleteFunc(values, func(v string) bool {
		_, scope, ok := strings.Cut(v, "@")
		return !ok || !slices.Contains(out.scopes, strings.ToLower(scope))
	})
}

// pairwiseID is the subject in the letters that SAML Subject Identifier
// Attributes 1.0 §3.4 allows. They are compared without regard to case, which
// tells subjects apart.
func pairwiseID(subject string) string {
	sum := sha256.Sum256([]byte(subject))
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(sum[:]))
}

// texts are a claim's value as attribute values. There is none for what has no
// text: null, and objects other than an address.
func texts(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case float64:
		return []string{strconv.FormatFloat(v, 'f', -1, 64)}
	case []any:
		var all []string
		for _, item := range v {
			all = append(all, texts(item)...)
		}
		return all
	case map[string]any:
		if text := addressText(v); text != "" {
			return []string{text}
		}
	}
	return nil
}

// addressText is an address in one text (OpenID Connect Core §5.1.1): as the
// provider formatted it, else its parts in lines.
func addressText(address map[string]any) string {
	if text, _ := address["formatted"].(string); text != "" {
		return text
	}
	var lines []string
	for _, part := range []string{"street_address", "locality", "region", "postal_code", "country"} {
		if text, _ := address[part].(string); text != "" {
			lines = append(lines, text)
		}
	}
	return strings.Join(lines, "\n")
}
