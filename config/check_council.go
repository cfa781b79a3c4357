package config

import (
	"bufio"
	"os"
	"regexp"
)

// council checks the council's own way in.
func (r report) council(o *Council) {
	for _, key := range []string{
		"client_id", "client_secret", "events", "landing", "patience", "network", "insecure_base_url",
	} {
		if r.own.has(key) {
			r.wrong(key, "is not used by council: the broker is the provider")
		}
	}
	if !*o.Passkeys && !*o.EmailCodes && !o.Passwords {
		r.wrong("council", "must leave a way in: passkeys (where the issuer's host has a name), email_codes or passwords")
	}
	if r.settings.Mail == nil {
		r.wrong("council", "needs mail in broker.yaml: an account there is an address that its owner has shown to read")
	}
	if o.Attestation != "" && !*o.Passkeys {
		r.wrong("council.attestation", "is for passkeys")
	}
	r.authorities("council.attestation", o.Attestation)
	r.breached(o)
}

// breachedLine is a line as Have I Been Pwned publishes them.
var breachedLine = regexp.MustCompile(`^[0-9A-Fa-f]{40}(:[0-9]+)?$`)

// breached checks a list of passwords that thieves know, by its first line: the
// rest is tens of gigabytes.
func (r report) breached(o *Council) {
	if o.Breached == "" {
		return
	}
	if !o.Passwords {
		r.wrong("council.breached", "is for passwords")
	}
	f, err := os.Open(within(r.dir, o.Breached))
	if err != nil {
		r.wrong("council.breached", "must be a file: %v", unreadable(o.Breached, err))
		return
	}
	defer func() { _ = f.Close() }()
	lines := bufio.NewScanner(f)
	if !lines.Scan() || !breachedLine.MatchString(lines.Text()) {
		r.wrong("council.breached", "must have a SHA-1 in hexadecimal to a line: %s begins otherwise", o.Breached)
	}
}
