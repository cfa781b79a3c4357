package config

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
func (s Secret) String() string { return "[redacted]" }

// GoString keeps secrets out of %#v.
func (s Secret) GoString() string { return s.String() }

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

// Problem is one mistake or risk in the operator's folder.
type Problem struct {
	File    string // relative to the folder
	Line    int    // from 1; 0 where the whole file is meant
	Column  int    // from 1
	Path    string // the key, as in oidc.redirect_uris[0]
	Message string // what is wrong and what to do
	Source  string // the offending line
	Suggest string // the key or value that was probably meant
}
