package council_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/binary"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-webauthn/webauthn/protocol"

	"github.com/councilid/councilid/broker/council"
)

// Only what an authority of the council's vouches for is device-bound, in a
// format in which it says so itself.
func TestBoundPasskeys(t *testing.T) {
	trusted, stranger := newAuthority(t), newAuthority(t)
	file := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: trusted.root.Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	with, without := open(t, "council: {attestation: "+file+"}\n"), open(t, "")
	for _, tt := range []struct {
		name   string
		b      *bed
		flags  protocol.AuthenticatorFlags
		vendor *vendor
		want   string
	}{
		{"packed", with, present | verified, trusted.packed(t), "passkey_bound"},
		{"packed by a stranger", with, present | verified, stranger.packed(t), "passkey"},
		{"tpm", with, present | verified, trusted.tpm(t), "passkey_bound"},
		{"tpm by a stranger", with, present | verified, stranger.tpm(t), "passkey"},
		{"u2f, which signs no flags", with, present | verified, trusted.u2f(t), "passkey"},
		{"not vouched for", with, present | verified, nil, "passkey"},
		{"that says that it is copied", with, present | verified | synced, trusted.packed(t), "passkey"},
		{"where nobody is believed", without, present | verified, trusted.packed(t), "passkey"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			d := tt.b.newDevice()
			d.flags, d.vendor = tt.flags, tt.vendor
			tt.b.withPasskey(d, strings.Map(letters, tt.name)+"@example.org")
			if said, _ := tt.b.browser().byPasskey(d); method(said) != tt.want {
				t.Errorf("by %v, want %s", method(said), tt.want)
			}
		})
	}
}

// letters leaves out what is none.
func letters(r rune) rune {
	if r >= 'a' && r <= 'z' {
		return r
	}
	return -1
}

// An x5c in a statement that does not sign with it is anybody's certificate.
func TestFormatsWithoutAChain(t *testing.T) {
	trusted := newAuthority(t)
	for format, want := range map[string]bool{
		"packed": true, "android-key": true, "android-safetynet": false, "compound": false, "apple": false, "none": false, "": false,
	} {
		said := protocol.AttestationObject{Format: format, AttStatement: map[string]any{"x5c": []any{trusted.packed(t).leaf.Raw}}}
		if got := council.Vouched(trusted.root, said); got != want {
			t.Errorf("%q: %v", format, got)
		}
	}
}

// authority vouches for devices.
type authority struct {
	root *x509.Certificate
	key  *ecdsa.PrivateKey
}

// vendor makes statements of one format (WebAuthn Level 3 §8).
type vendor struct {
	key       crypto.Signer
	leaf      *x509.Certificate
	format    string
	statement func(d *device, data, client []byte) map[string]any
}

func newAuthority(t *testing.T) authority {
	t.Helper()
	root, key := certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "devices"}, IsCA: true, BasicConstraintsValid: true,
	}, authority{})
	return authority{root, key}
}

// certificate makes one of a new key: by an authority, or by itself.
func certificate(t *testing.T, template *x509.Certificate, by authority) (*x509.Certificate, *ecdsa.PrivateKey) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if by.root == nil {
		by = authority{template, key}
	}
	template.NotBefore, template.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	der, err := x509.CreateCertificate(rand.Reader, template, by.root, key.Public(), by.key)
	if err != nil {
		t.Fatal(err)
	}
	made, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return made, key
}

// packed has a certificate as WebAuthn Level 3 §8.2.1 wants it.
func (a authority) packed(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{format: "packed"}
	v.leaf, v.key = certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(2), BasicConstraintsValid: true,
		Subject:         pkix.Name{Country: []string{"GB"}, Organization: []string{"Devices"}, OrganizationalUnit: []string{"Authenticator Attestation"}, CommonName: "a device"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{1, 3, 6, 1, 4, 1, 45724, 1, 1, 4}, Value: der(t, make([]byte, 16))}},
	}, a)
	v.statement = func(d *device, data, client []byte) map[string]any {
		return map[string]any{"alg": -7, "sig": d.sign(v.key, data, client), "x5c": [][]byte{v.leaf.Raw}}
	}
	return v
}

// u2f signs as a device of before WebAuthn (WebAuthn Level 3 §8.6).
func (a authority) u2f(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{format: "fido-u2f"}
	v.leaf, v.key = certificate(t, &x509.Certificate{SerialNumber: big.NewInt(3), Subject: pkix.Name{CommonName: "a device"}}, a)
	v.statement = func(d *device, data, client []byte) map[string]any {
		hash := sha256.Sum256(client)
		return map[string]any{"sig": d.signed(v.key, []byte{0}, data[:32], hash[:], d.id, d.point()), "x5c": [][]byte{v.leaf.Raw}}
	}
	return v
}

// tpm has a certificate as WebAuthn Level 3 §8.3.1 wants it.
func (a authority) tpm(t *testing.T) *vendor {
	t.Helper()
	tcg := func(last ...int) asn1.ObjectIdentifier {
		return append(asn1.ObjectIdentifier{2, 23, 133}, last...)
	}
	name := pkix.RDNSequence{
		{{Type: tcg(2, 1), Value: "id:49465800"}}, {{Type: tcg(2, 2), Value: "SLB 9665"}}, {{Type: tcg(2, 3), Value: "id:0013"}},
	}
	alternative := der(t, []asn1.RawValue{{Class: asn1.ClassContextSpecific, Tag: 4, IsCompound: true, Bytes: der(t, name)}})
	v := &vendor{format: "tpm"}
	v.leaf, v.key = certificate(t, &x509.Certificate{
		SerialNumber: big.NewInt(4), BasicConstraintsValid: true, UnknownExtKeyUsage: []asn1.ObjectIdentifier{tcg(8, 3)},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 17}, Critical: true, Value: alternative}},
	}, a)
	v.statement = func(d *device, data, client []byte) map[string]any {
		info, area := tpmStructures(d, data, client)
		return map[string]any{
			"ver": "2.0", "alg": -7, "x5c": [][]byte{v.leaf.Raw}, "sig": d.signed(v.key, info), "certInfo": info, "pubArea": area,
		}
	}
	return v
}

// tpmStructures are TPMS_ATTEST and TPMT_PUBLIC of the device's key (TPM 2.0
// Library, Part 2, §10.12.12 and §12.2.4).
func tpmStructures(d *device, data, client []byte) (info, area []byte) {
	const ecc, sha, null, p256 = 0x23, 0x0b, 0x10, 0x03
	words := func(all ...uint16) []byte {
		var b []byte
		for _, word := range all {
			b = binary.BigEndian.AppendUint16(b, word)
		}
		return b
	}
	sized := func(b []byte) []byte { return append(words(uint16(len(b))), b...) }
	point := d.point()
	area = slices.Concat(words(ecc, sha, 0x0005, 0x0072), sized(nil), words(null, null, p256, null), sized(point[1:33]), sized(point[33:]))
	clientHash, areaHash := sha256.Sum256(client), sha256.Sum256(area)
	extra := sha256.Sum256(append(data, clientHash[:]...))
	clock := make([]byte, 8+4+4+1+8) // and the firmware's version
	name := append(words(sha), areaHash[:]...)
	info = slices.Concat([]byte("\xffTCG"), words(0x8017), sized(nil), sized(extra[:]), clock, sized(name), sized(nil))
	return info, area
}

func der(t *testing.T, v any) []byte {
	t.Helper()
	encoded, err := asn1.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return encoded
}
