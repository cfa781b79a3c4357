package config

// Events is how a provider tells of what happens to accounts there.
type Events struct {
	// Protocol is risc (Security Event Tokens pushed by RFC 8935: Google,
	// Login.gov), apple (server-to-server notifications) or facebook (signed
	// requests for data deletion and deauthorisation).
	Protocol string `yaml:"protocol" jsonschema:"enum=risc,enum=apple,enum=facebook"`
	// Issuer is that of the events. Required by risc and apple.
	// Example: https://accounts.google.com/
	Issuer string `yaml:"issuer,omitempty"`
	// JWKS is where the keys of events are. Default: those of ID tokens.
	JWKS string `yaml:"jwks,omitempty"`
	// Algorithms are the signature algorithms accepted. Default: [RS256].
	Algorithms []string `yaml:"algorithms,omitempty" jsonschema:"enum=RS256,enum=ES256,enum=PS256"`
	// Audience are the names by which events may call the broker.
	// Default: client_id.
	Audience []string `yaml:"audience,omitempty"`
	// Actions say what follows from an event, by its type or, after /, its
	// reason: end_sessions, freeze (the link does not lead in any more), thaw,
	// unlink (it is dead, and what the provider said is deleted), undeliverable
	// (the e-mail address is no use any more), deliverable, or none. What is not
	// listed is acknowledged and counted.
	Actions map[string]string `yaml:"actions" jsonschema:"enum=end_sessions,enum=freeze,enum=thaw,enum=unlink,enum=undeliverable,enum=deliverable,enum=none"`
}
