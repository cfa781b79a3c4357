package main

import (
	"crypto/tls"
	"sync/atomic"

	"github.com/councilid/councilid/config"
)

// certificate is the broker's own, which may be renewed while it serves.
type certificate struct {
	current atomic.Pointer[tls.Certificate]
}

// load reads the files that the operator named. Without TLS there is nothing
// to do.
func (c *certificate) load(files *config.TLS) error {
	if files == nil {
		return nil
	}
	pair, err := tls.LoadX509KeyPair(files.Cert, files.Key)
	if err != nil {
		return err
	}
	c.current.Store(&pair)
	return nil
}

func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	return c.current.Load(), nil
}

// tlsConfig offers TLS 1.3 and, of TLS 1.2, only what FAPI 2.0 Security
// Profile §5.2.2 allows.
func tlsConfig(c *certificate) *tls.Config {
	return &tls.Config{
		GetCertificate: c.get,
		MinVersion:     tls.VersionTLS12,
		NextProtos:     []string{"h2", "http/1.1"},
		CipherSuites: []uint16{
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		},
	}
}
