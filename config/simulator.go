package config

// Simulator is how the simulated provider of a preset behaves.
type Simulator struct {
	// Claims maps the provider's own claims to CEL expressions over person, a
	// persona in standard claims: the connector's mapping in reverse.
	// Example: {first_name: person.given_name}
	Claims map[string]string `yaml:"claims,omitempty"`
	// Calls are the answers of the API calls of the same names, CEL over person.
	Calls map[string]string `yaml:"calls,omitempty"`
	// Cancel is the query that the provider sends when the person cancels.
	// Default: error=access_denied.
	Cancel string `yaml:"cancel,omitempty"`
	// Algorithm signs the simulated ID tokens. Default: RS256.
	Algorithm string `yaml:"algorithm,omitempty" jsonschema:"enum=RS256,enum=ES256"`
}
