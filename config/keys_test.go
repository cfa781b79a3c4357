package config_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// setTestEnv sets the variables that the folders of the tests name.
func setTestEnv(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"SECRET", "GOOGLE_CLIENT_SECRET", "FACEBOOK_CLIENT_SECRET", "MICROSOFT_CLIENT_SECRET",
		"GITHUB_CLIENT_SECRET", "COUNCIL_TAX_SECRET", "REDIS_PASSWORD", "DATABASE_URL",
	} {
		t.Setenv(name, "correct horse battery staple")
	}
	t.Setenv("COUNCILID_MASTER_KEY", strings.Repeat("0f", 32))
	t.Setenv("WORKS_PRIVATE_KEY", string(testKeys()["p256.pem"]))
	t.Setenv("ONE_LOGIN_PRIVATE_KEY", string(testKeys()["rsa2048.pem"]))
}

// writeKeys writes the key files that the folders of the tests name.
func writeKeys(t testing.TB, dir string) {
	t.Helper()
	for name, text := range testKeys() {
		write(t, filepath.Join(dir, "keys", name), text)
	}
}

var testKeys = sync.OnceValue(func() map[string][]byte {
	p256 := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	p384 := must(ecdsa.GenerateKey(elliptic.P384(), rand.Reader))
	large := must(rsa.GenerateKey(rand.Reader, 2048))
	small := must(rsa.GenerateKey(rand.Reader, 1024))
	soon, past := time.Now().Add(time.Hour), time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC)
	public := jose.JSONWebKey{Key: p256.Public(), KeyID: "k1"}
	private := jose.JSONWebKey{Key: p256, KeyID: "k1"}
	return map[string][]byte{
		"p256.pem":     pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: must(x509.MarshalECPrivateKey(p256))}),
		"next256.pem":  pkcs8(must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))),
		"p384.pem":     pkcs8(p384),
		"rsa1024.pem":  pkcs8(small),
		"rsa2048.pem":  pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(large)}),
		"cert.pem":     certificate(p256, soon),
		"good.pem":     certificate(large, soon),
		"weak.pem":     certificate(small, soon),
		"expired.pem":  certificate(large, past),
		"jwks.json":    must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{public}})),
		"private.json": must(json.Marshal(jose.JSONWebKeySet{Keys: []jose.JSONWebKey{private}})),
		"newline":      []byte("secret\n"),
		"empty":        []byte("\n"),
		"long":         []byte(strings.Repeat("0f", 32)),
		"breached":     []byte("000000005AD76BD555C1D6D771DE417A4B87E4B4:10\n"),
	}
})

func certificate(key crypto.Signer, until time.Time) []byte {
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: until}
	der := must(x509.CreateCertificate(rand.Reader, template, template, key.Public(), key))
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

func pkcs8(key crypto.PrivateKey) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: must(x509.MarshalPKCS8PrivateKey(key))})
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
