package council

import (
	"crypto/x509"
	"encoding/asn1"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
)

// vouchers are authorities that are believed to say that a device does not let
// its keys go.
type vouchers struct {
	roots *x509.CertPool // nil for nobody
	now   func() time.Time
}

func authorities(file string) (*x509.CertPool, error) {
	pem, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("%s holds no certificate", file)
	}
	return pool, nil
}

// chained reports whether an attestation statement of the format is signed by the
// key of the first certificate in its x5c, over the authenticator data with its
// flags: packed (WebAuthn Level 3 §8.2), tpm (§8.3) and android-key (§8.4), the
// last of keys that the device's own secure part has made.
//
// fido-u2f (§8.6) signs no flags, so that anybody may say that a person was
// verified and the key stays where it is. apple (§8.8) is of passkeys that Apple
// has come to share between devices. android-safetynet (§8.5) and compound (§8.9)
// have their certificates elsewhere, so that an x5c in them is anybody's.
func chained(format string) bool {
	switch protocol.AttestationFormat(format) {
	case protocol.AttestationFormatPacked, protocol.AttestationFormatTPM, protocol.AttestationFormatAndroidKey:
		return true
	}
	return false
}

// vouched reports whether one of the authorities vouches for the device that made
// the statement, which the library has found to be correct.
func (v vouchers) vouched(said protocol.AttestationObject) bool {
	chain, _ := said.AttStatement["x5c"].([]any)
	if v.roots == nil || len(chain) == 0 || !chained(said.Format) {
		return false
	}
	var certificates []*x509.Certificate
	for _, link := range chain {
		der, _ := link.([]byte)
		certificate, err := x509.ParseCertificate(der)
		if err != nil {
			return false
		}
		certificates = append(certificates, certificate)
	}
	between := x509.NewCertPool()
	for _, certificate := range certificates[1:] {
		between.AddCert(certificate)
	}
	device := certificates[0]
	if said.Format == string(protocol.AttestationFormatTPM) {
		device = unnamed(device)
	}
	_, err := device.Verify(x509.VerifyOptions{
		Roots: v.roots, Intermediates: between, CurrentTime: v.now(), KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	return err == nil
}

// unnamed is a TPM's certificate without its alternative name: that stands in for a
// subject, so that it is critical (RFC 5280 §4.1.2.6), and is of a kind that the
// library reads (WebAuthn Level 3 §8.3.1) and crypto/x509 does not.
func unnamed(device *x509.Certificate) *x509.Certificate {
	subjectAltName := asn1.ObjectIdentifier{2, 5, 29, 17} // RFC 5280 §4.2.1.6
	copied := *device
	copied.UnhandledCriticalExtensions = slices.DeleteFunc(slices.Clone(device.UnhandledCriticalExtensions), subjectAltName.Equal)
	return &copied
}
