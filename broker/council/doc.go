// Package council is the council's own way in, for people who have none of the
// other providers: an e-mail address that its owner has shown to read, with
// passkeys and perhaps a password.
package council
