package config

// Council is the council's own way in. An account there is an e-mail address
// that its owner has shown to read, and whatever they sign in with besides.
type Council struct {
	// Passkeys lets residents sign in with passkeys (WebAuthn), the safest way.
	// Default: true.
	Passkeys *bool `yaml:"passkeys,omitempty"`
	// Attestation is a PEM file of the authorities that are believed when they say
	// of a device that its keys cannot leave it. Passkeys of such devices are worth
	// Ch. With it, browsers ask residents whether the council may know what device
	// they have. Default: nobody is believed. Example: fido-roots.pem
	Attestation string `yaml:"attestation,omitempty"`
	// EmailCodes lets residents sign in with a code that is sent to their
	// address. Without, a code is good for the first time alone, to make an account,
	// and for those who have nothing else yet. Default: true.
	EmailCodes *bool `yaml:"email_codes,omitempty"`
	// Passwords lets residents have a password besides, of 15 characters or more:
	// alone it is worth Cl, with a code Cm. Default: false.
	Passwords bool `yaml:"passwords,omitempty"`
	// Breached is a file of passwords that are refused because thieves know
	// them: a SHA-1 in hexadecimal to a line, sorted, as Have I Been Pwned
	// publishes them. Default: a list of the commonest that comes with the
	// program. Example: pwned-passwords.txt
	Breached string `yaml:"breached,omitempty"`
}
