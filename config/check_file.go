package config

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"os"
	"path/filepath"

	"github.com/go-jose/go-jose/v4"
)

// Checks of files that the operator names.

// file reads one.
func (r report) file(path, name string) ([]byte, bool) {
	text, err := os.ReadFile(within(r.dir, name))
	if err != nil {
		r.add(path, Problem{Message: leaf(path) + ": " + unreadable(name, err).Error()})
	}
	return text, err == nil
}

// pair checks a certificate with its key.
func (r report) pair(path, cert, key string) {
	certPEM, ok := r.file(join(path, "cert"), cert)
	keyPEM, also := r.file(join(path, "key"), key)
	if !ok || !also {
		return
	}
	if _, err := tls.X509KeyPair(certPEM, keyPEM); err != nil {
		r.wrong(path, "needs a certificate and its key: %v", err)
	}
}

// authorities checks a PEM file of certificates.
func (r report) authorities(path, name string) {
	if name == "" {
		return
	}
	if pem, ok := r.file(path, name); ok && !x509.NewCertPool().AppendCertsFromPEM(pem) {
		r.wrong(path, "must be a PEM file: %s holds no certificate", name)
	}
}

// jwks checks an app's public keys (RFC 7517 §5).
func (r report) jwks(path, name string) {
	text, ok := r.file(path, name)
	if !ok {
		return
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil || len(set.Keys) == 0 {
		r.wrong(path, "must be a JWK Set with public keys: %s is not", name)
		return
	}
	for _, key := range set.Keys {
		if !key.Valid() || !key.IsPublic() {
			r.wrong(path, "must hold public keys only: %s has another, with key id %q", name, key.KeyID)
		}
	}
}

// logo checks the council's logo.
func (r report) logo(name string) {
	text, ok := r.file("look.logo", name)
	if !ok {
		return
	}
	switch ext := filepath.Ext(name); {
	case ext == ".png" && bytes.HasPrefix(text, []byte("\x89PNG\r\n\x1a\n")):
	case ext == ".svg" && bytes.Contains(text, []byte("<svg")):
	default:
		r.wrong("look.logo", "must be an SVG or PNG file, with the ending .svg or .png")
	}
}
