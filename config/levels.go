package config

import (
	"cmp"
	"iter"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// Assurance is a level of confidence in somebody (GPG 45 and GPG 44).
type Assurance struct {
	// Identity is P0 to P4: none, low, medium, high, very high confidence in
	// who the person is.
	Identity string `yaml:"identity,omitempty" jsonschema:"enum=P0,enum=P1,enum=P2,enum=P3,enum=P4"`
	// Authenticator is Cl, Cm or Ch: low, medium or high protection of the
	// sign-in.
	Authenticator string `yaml:"authenticator,omitempty" jsonschema:"enum=C0,enum=Cl,enum=Cm,enum=Ch"`
	// Phishing is F1 for a sign-in that cannot be phished, as with a passkey, and
	// F0 for others.
	Phishing string `yaml:"phishing,omitempty" jsonschema:"enum=F0,enum=F1"`
	// Residency is R0 to R3: an address is stated, matched to a property, shown
	// to be the person's or on an authority's record, both.
	Residency string `yaml:"residency,omitempty" jsonschema:"enum=R0,enum=R1,enum=R2,enum=R3"`
}

// Vector is a as the broker reckons with it. What is not written is the least.
func (a Assurance) Vector() mapping.Assurance {
	var v mapping.Assurance
	for _, component := range []string{a.Identity, a.Authenticator, a.Phishing, a.Residency} {
		if component == "" {
			continue // and no error is made of it: every sign-in comes by here
		}
		if c, err := mapping.ParseAssurance(component); err == nil { // the decoder has seen to it
			v = v.Join(c)
		}
	}
	return v
}

// assuranceOf is a as it would be written.
func assuranceOf(a mapping.Assurance) Assurance {
	return Assurance{
		Identity: letter(a, "identity"), Authenticator: letter(a, "authenticator"), Phishing: letter(a, "phishing"), Residency: letter(a, "residency"),
	}
}

// components are the parts of a level, in the order of mapping.Assurance.String.
func components() []string { return []string{"identity", "authenticator", "phishing", "residency"} }

// letter is the level of one component.
func letter(a mapping.Assurance, component string) string {
	return strings.Split(a.String(), ".")[slices.Index(components(), component)]
}

// words lists a's components, for people: identity P2 and authenticator Cm.
func words(a mapping.Assurance) string {
	var all []string
	for _, component := range components() {
		if l := letter(a, component); l != letter(mapping.Assurance{}, component) {
			all = append(all, component+" "+l)
		}
	}
	return cmp.Or(strings.Join(all, " and "), "nothing")
}

// Levels translates what a provider says about a sign-in. What is missing or
// not understood is the least level, never a default.
type Levels struct {
	// Identity is how sure the provider is of who the person is.
	Identity *Level `yaml:"identity,omitempty"`
	// Authenticator is how well the sign-in was protected. Default: {always: Cl}.
	Authenticator *Level `yaml:"authenticator,omitempty"`
	// Phishing is whether it could be phished.
	Phishing *Level `yaml:"phishing,omitempty"`
	// Residency is how sure the provider is of where the person lives.
	Residency *Level `yaml:"residency,omitempty"`
}

// all are the components of which something is written, with their names.
func (l Levels) all() iter.Seq2[string, *Level] {
	return func(yield func(string, *Level) bool) {
		for _, c := range []struct {
			name  string
			level *Level
		}{
			{"identity", l.Identity}, {"authenticator", l.Authenticator}, {"phishing", l.Phishing}, {"residency", l.Residency},
		} {
			if c.level != nil && !yield(c.name, c.level) {
				return
			}
		}
	}
}

// source is l as mapping reads it.
func (l Levels) source() map[string]mapping.Level {
	all := map[string]mapping.Level{}
	for component, level := range l.all() {
		all[component] = mapping.Level{Always: level.Always, From: level.From, Value: level.Value, Map: level.Map}
	}
	return all
}

// most is the most that l comes to in any component.
func (l Levels) most() mapping.Assurance {
	var most mapping.Assurance
	for _, level := range l.all() {
		most = most.Join(level.most())
	}
	return most
}

// Level translates one component of assurance: it is always the same, or what
// the values in a document mean.
type Level struct {
	// Always is the level of every sign-in, where the provider says nothing of
	// it. Example: Cl
	Always string `yaml:"always,omitempty"`
	// From is the signed document that says it: id_token, userinfo (where that is
	// signed) or the name of a nested token; assertion (its attributes) or
	// context (class: its AuthnContextClassRef) by SAML; council for the
	// council's own accounts. Example: id_token
	From string `yaml:"from,omitempty"`
	// Value is a CEL expression over claims, which are those of that document
	// alone. It gives a text, or a list of texts of which each counts.
	// Example: claims.vot
	Value string `yaml:"value,omitempty"`
	// Map turns the values into levels. Others mean nothing.
	// Example: {Cl: Cl, Cl.Cm: Cm}
	Map map[string]string `yaml:"map,omitempty"`
	// Fresh is how long identity or residency stays proved. Default: 8760h.
	Fresh time.Duration `yaml:"fresh,omitempty"`
}

// most is the most that l comes to.
func (l Level) most() mapping.Assurance {
	most := l.least()
	for _, level := range l.Map {
		meant, _ := mapping.ParseAssurance(level)
		most = most.Join(meant)
	}
	return most
}

// least is what every sign-in comes to.
func (l Level) least() mapping.Assurance {
	least, _ := mapping.ParseAssurance(cmp.Or(l.Always, "P0")) // mapping reports what cannot be read
	return least
}

// Ask is one way of asking a provider, for what it can reach.
type Ask struct {
	// Step names it. Example: prove
	Step string `yaml:"step"`
	// Reaches is what the provider proves when it is asked like this.
	Reaches Assurance `yaml:"reaches,omitempty"`
	// After names the step that must be done first: people are asked to sign in,
	// and then to prove who they are. Default: none. Example: sign_in
	After string `yaml:"after,omitempty"`
	// Scopes to ask for in place of the connector's. OpenID Connect only.
	Scopes []string `yaml:"scopes,omitempty"`
	// Params are added to those of the connector. OpenID Connect only.
	// Example: {vtr: '["Cl.Cm.P2"]'}
	Params map[string]string `yaml:"params,omitempty"`
	// Calls are those of the connector's calls that are made in this step and, of
	// other steps, only in those that list them too. OpenID Connect only.
	Calls []string `yaml:"calls,omitempty"`
	// Contexts are the authentication context classes to ask for in place of the
	// connector's. SAML only.
	Contexts []string `yaml:"contexts,omitempty"`
}

// Context is one name of a level of assurance.
type Context struct {
	// ACR is the authentication context class reference (OpenID Connect Core §2).
	// Example: urn:x-council:acr:p2.cm
	ACR string `yaml:"acr"`
	// SAML is the authentication context class that SAML apps ask for and are
	// told. Default: the acr. Example: https://refeds.org/profile/mfa
	SAML string `yaml:"saml,omitempty"`
	// AMR are the authentication methods that apps are told (RFC 8176).
	// Default: none. Example: [mfa]
	AMR []string `yaml:"amr,omitempty"`
	// Assurance is the least that it means.
	Assurance Assurance `yaml:"assurance"`
}
