package store

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"strings"
)

// Handle names one record. Tag keeps the records of one login in one Cluster
// slot, so that they travel together; Secret is what only its holder knows.
//
// Tags stand in Redis' keys as they are. They open nothing by themselves, but
// are as hard to guess as secrets: nobody can aim at another login's records
// or crowd one slot.
type Handle struct {
	Tag, Secret string

	hash string // digest of a Secret that is not known: see ParseRef
}

// NewHandle returns a handle with a new tag and a new secret.
func NewHandle() Handle { return Handle{Tag: rand.Text(), Secret: rand.Text()} }

// Sibling returns a handle with the same tag and a new secret.
func (h Handle) Sibling() Handle { return Handle{Tag: h.Tag, Secret: rand.Text()} }

// String is the handle as cookies, codes and states carry it: TAG.SECRET,
// letters, digits and a dot, which nothing on the way needs to escape.
func (h Handle) String() string { return h.Tag + "." + h.Secret }

// ParseHandle reads what String wrote. ok is false for anything that NewHandle
// and Sibling cannot have made.
func ParseHandle(s string) (h Handle, ok bool) {
	tag, secret, _ := strings.Cut(s, ".")
	if !isText(tag) || !isText(secret) {
		return Handle{}, false
	}
	return Handle{Tag: tag, Secret: secret}, true
}

// Ref is what one record may remember of another: it finds what the handle
// finds, and is of no use as the cookie, code or state that the handle is.
func (h Handle) Ref() string { return h.Tag + "." + h.digest() }

// ParseRef reads what Ref wrote. The handle opens the record that the ref
// names; it has no Secret, and String does not make one.
func ParseRef(s string) (h Handle, ok bool) {
	tag, hash, _ := strings.Cut(s, ".")
	if !isText(tag) || !isDigest(hash) {
		return Handle{}, false
	}
	return Handle{Tag: tag, hash: hash}, true
}

// isText reports whether s may have come from rand.Text: 26 characters of the
// base32 alphabet (RFC 4648 §6), 130 bits.
func isText(s string) bool {
	return len(s) == 26 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") == ""
}

// key is where the table called name keeps the record. Braces make Cluster
// look at the tag alone.
func (h Handle) key(name string) string { return name + ":{" + h.Tag + "}:" + h.digest() }

func (h Handle) digest() string {
	if h.hash != "" {
		return h.hash
	}
	return digest(h.Secret)
}

// digest stands for a secret in a key: 128 bits of its SHA-256. Secrets are
// random, so there is nothing to guess and nothing to slow a guesser down for.
func digest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.RawURLEncoding.EncodeToString(sum[:16])
}

// isDigest reports whether s may have come from digest.
func isDigest(s string) bool {
	hash, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(hash) == 16 && len(s) == 22 // DecodeString skips line ends
}
