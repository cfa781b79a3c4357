package config

// Simulator is how the simulated provider of a preset behaves.
//
// Its expressions are CEL over person: a persona in standard claims, the
// connector's mapping in reverse. person has besides
//
//	asked    the parameters of the authorization request: person.asked.scope
//	reached  what the sign-in came to: identity, authenticator, phishing and
//	         residency as levels of assurance; met, whether that is as much as
//	         was asked for, and word, what was, in the provider's own word
//	proved   the same, of what it would have come to if more had been asked for
//	nested   the tokens of nested, in userinfo and calls alone
//	since    when the person authenticated, in seconds since 1970
//	session  the name of their session at the provider
type Simulator struct {
	// Claims are what the provider says of a person, wherever it does, by its
	// own names. Example: {first_name: person.given_name}
	Claims map[string]string `yaml:"claims,omitempty"`
	// IDToken are the claims of the ID token. Without them it says what claims
	// says. Example: {vot: '"Cl.Cm"'}
	IDToken map[string]string `yaml:"id_token,omitempty"`
	// Nested are the tokens that the connector's nested have the names of.
	Nested map[string]SimulatedToken `yaml:"nested,omitempty"`
	// Calls are the answers of the API calls of the same names.
	Calls map[string]string `yaml:"calls,omitempty"`
	// Cancel is the query that the provider sends when the person cancels.
	// Default: error=access_denied.
	Cancel string `yaml:"cancel,omitempty"`
	// Algorithm signs the simulated ID tokens. Default: RS256.
	Algorithm string `yaml:"algorithm,omitempty" jsonschema:"enum=RS256,enum=RS512,enum=ES256,enum=HS256"`
}

// SimulatedToken is a signed token within what a simulated provider says. Its
// issuer, audience and times are the simulator's doing.
type SimulatedToken struct {
	// When says whether there is such a token; without it there is.
	// Example: person.reached.identity != "P0"
	When string `yaml:"when,omitempty"`
	// Claims are what it says. Example: {vot: person.reached.identity}
	Claims map[string]string `yaml:"claims,omitempty"`
}
