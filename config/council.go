package config

import (
	"net"
	"net/url"
	"slices"

	"github.com/councilid/councilid/mapping"
)

// Council is the council's own way in. An account there is an e-mail address
// that its owner has shown to read, and whatever they sign in with besides.
type Council struct {
	// Passkeys lets residents sign in with passkeys (WebAuthn), the safest way.
	// There are none where the issuer's host is an IP address. Default: true.
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

// derive turns passkeys off where there can be none: a relying party's id is a
// domain (WebAuthn Level 3 §5.1.2).
func (c *Council) derive(issuer string) {
	if u, err := url.Parse(issuer); err == nil && net.ParseIP(u.Hostname()) != nil {
		c.Passkeys = new(false)
	}
}

// keepPromises leaves of the connector's steps those that people can take, so that
// no app waits in vain. Without any, the cap is what is promised.
func (c *Connector) keepPromises() {
	if c.Council == nil {
		return
	}
	most := c.Council.most()
	c.Ask = slices.DeleteFunc(c.Ask, func(ask Ask) bool { return !most.AtLeast(ask.Reaches.Vector()) })
	if len(c.Ask) == 0 {
		c.Cap = assuranceOf(c.Cap.Vector().Meet(most))
	}
}

// most is the most that anybody can prove here.
func (c Council) most() mapping.Assurance {
	most := mapping.Assurance{Authenticator: mapping.Cl}
	if c.Passwords {
		most.Authenticator = mapping.Cm
	}
	if *c.Passkeys {
		most.Authenticator, most.Phishing = mapping.Cm, mapping.F1
		if c.Attestation != "" {
			most.Authenticator = mapping.Ch
		}
	}
	return most
}

// lacks says why no more can be proved here.
func (c Council) lacks() string {
	if *c.Passkeys {
		return "council.attestation names nobody who vouches for devices"
	}
	return "it has no passkeys, which are off or, where the issuer's host is an IP address, cannot be had"
}
