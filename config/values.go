package config

import "strings"

// redacted stands for a secret wherever one would be printed.
const redacted = "[redacted]"

// Secret is a value that is kept outside the YAML: env:NAME or file:PATH.
// It never prints itself.
type Secret struct {
	Ref   string // env:NAME or file:PATH, as written
	value string
}

// NewSecret returns a secret that needs no looking up, for tests and for
// values that the program makes itself.
func NewSecret(value string) Secret { return Secret{Ref: "set by the program", value: value} }

// Set reports whether the operator named a secret.
func (s Secret) Set() bool { return s.Ref != "" }

// Reveal returns the secret itself.
func (s Secret) Reveal() string { return s.value }

// String keeps secrets out of logs and error messages.
func (s Secret) String() string { return redacted }

// GoString keeps secrets out of %#v.
func (s Secret) GoString() string { return s.String() }

// isReference reports whether text says where a secret is kept, rather than
// being one.
func isReference(text string) bool {
	return strings.HasPrefix(text, "env:") || strings.HasPrefix(text, "file:")
}

// Text is a text for residents by language tag. A plain string in YAML is the
// text in every language.
type Text map[string]string

// In returns the text in language lang, falling back to the text for every
// language and then to English.
func (t Text) In(lang string) string {
	for _, tag := range []string{lang, "", "en"} {
		if s, ok := t[tag]; ok {
			return s
		}
	}
	return ""
}
