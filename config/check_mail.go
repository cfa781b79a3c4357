package config

import (
	"net"
	"net/mail"
)

// mail checks how e-mail is sent.
func (r report) mail(m *Mail) {
	if m == nil {
		return
	}
	if _, err := mail.ParseAddress(m.From); m.From != "" && err != nil {
		r.wrong("mail.from", "must be an e-mail address, as Strathmore Council <no-reply@strathmore.gov.uk>")
	}
	r.require("mail.password", m.Username == "" || m.Password.Set(), " with username")
	r.require("mail.username", m.Username != "" || !m.Password.Set(), " with password")
	if m.SMTP == "terminal" {
		r.risky("mail.smtp", "prints what only the addressee may read: for trying things out only")
		return
	}
	r.address("mail.smtp", m.SMTP, server)
	if at, _, err := net.SplitHostPort(m.SMTP); err == nil && m.TLS == "none" && !loopback(at) {
		r.wrong("mail.tls", "must not be none: whoever is on the way to %s could read residents' codes", at)
	}
}
