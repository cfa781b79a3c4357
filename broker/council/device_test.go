package council_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"html"
	"regexp"
	"slices"
	"testing"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/protocol/webauthncbor"
)

// device is a resident's device with at most one passkey, and the browser's part
// of WebAuthn with it. Its fields are what tests bend.
type device struct {
	testing.TB
	origin string // that the browser says the page has
	rpID   string // that the passkey is for
	flags  protocol.AuthenticatorFlags
	count  uint32 // is shown, and counted on where it is not 0

	key    *ecdsa.PrivateKey
	id     []byte
	user   []byte
	vendor *vendor // that vouches for it; nil for none
}

const (
	present  = protocol.FlagUserPresent
	verified = protocol.FlagUserVerified
	synced   = protocol.FlagBackupEligible | protocol.FlagBackupState
)

// newDevice is one that shares its passkeys with others.
func (b *bed) newDevice() *device {
	b.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	b.must(err)
	d := &device{TB: b, origin: b.site, rpID: "localhost", flags: present | verified | synced, key: key, id: make([]byte, 16)}
	rand.Read(d.id)
	return d
}

var questionTag = regexp.MustCompile(` data-question="([^"]*)"`)

// asked is the question of a page.
func (d *device) asked(p page) map[string]any {
	d.Helper()
	found := questionTag.FindStringSubmatch(p.body)
	if found == nil {
		d.Fatalf("the page asks for no passkey: %d at %s\n%s", p.status, p.at, p.body)
	}
	var question map[string]any
	if err := json.Unmarshal([]byte(html.UnescapeString(found[1])), &question); err != nil {
		d.Fatal(err)
	}
	return question
}

// make answers a page that asks for a new passkey.
func (d *device) make(p page) string {
	d.Helper()
	question := d.asked(p)
	user, _ := question["user"].(map[string]any)
	id, _ := user["id"].(string)
	d.user, _ = base64.RawURLEncoding.DecodeString(id)
	client := d.client("webauthn.create", question)
	data := d.data(true)
	format, statement := "none", map[string]any{}
	if d.vendor != nil {
		format, statement = d.vendor.format, d.vendor.statement(d, data, client)
	}
	object, err := webauthncbor.Marshal(map[string]any{"fmt": format, "attStmt": statement, "authData": data})
	if err != nil {
		d.Fatal(err)
	}
	return d.answer(map[string]any{"clientDataJSON": text(client), "attestationObject": text(object)})
}

// use answers a page that asks for a passkey.
func (d *device) use(p page) string {
	d.Helper()
	client := d.client("webauthn.get", d.asked(p))
	if d.count > 0 {
		d.count++
	}
	data := d.data(false)
	return d.answer(map[string]any{
		"clientDataJSON": text(client), "authenticatorData": text(data), "userHandle": text(d.user), "signature": text(d.sign(d.key, data, client)),
	})
}

func (d *device) client(verb string, question map[string]any) []byte {
	d.Helper()
	said, err := json.Marshal(map[string]any{"type": verb, "challenge": question["challenge"], "origin": d.origin, "crossOrigin": false})
	if err != nil {
		d.Fatal(err)
	}
	return said
}

// data is the authenticator data (WebAuthn Level 3 §6.1).
func (d *device) data(first bool) []byte {
	d.Helper()
	flags, rp := d.flags, sha256.Sum256([]byte(d.rpID))
	if first {
		flags |= protocol.FlagAttestedCredentialData
	}
	data := binary.BigEndian.AppendUint32(append(rp[:], byte(flags)), d.count)
	if !first {
		return data
	}
	point := d.point()
	public, err := webauthncbor.Marshal(map[int]any{1: 2, 3: -7, -1: 1, -2: point[1:33], -3: point[33:]}) // RFC 9053 §7.1.1
	if err != nil {
		d.Fatal(err)
	}
	data = append(data, make([]byte, 16)...) // AAGUID
	data = binary.BigEndian.AppendUint16(data, uint16(len(d.id)))
	return append(append(data, d.id...), public...)
}

// point is the public key, uncompressed.
func (d *device) point() []byte {
	d.Helper()
	point, err := d.key.PublicKey.Bytes()
	if err != nil {
		d.Fatal(err)
	}
	return point
}

// sign signs what WebAuthn has signed everywhere (Level 3 §6.3.3).
func (d *device) sign(key crypto.Signer, data, client []byte) []byte {
	d.Helper()
	hash := sha256.Sum256(client)
	return d.signed(key, data, hash[:])
}

// signed is a signature of all parts together.
func (d *device) signed(key crypto.Signer, parts ...[]byte) []byte {
	d.Helper()
	sum := sha256.Sum256(slices.Concat(parts...))
	signature, err := key.Sign(rand.Reader, sum[:], crypto.SHA256)
	if err != nil {
		d.Fatal(err)
	}
	return signature
}

func (d *device) answer(response map[string]any) string {
	d.Helper()
	said, err := json.Marshal(map[string]any{
		"id": text(d.id), "rawId": text(d.id), "type": "public-key", "response": response, "clientExtensionResults": map[string]any{},
	})
	if err != nil {
		d.Fatal(err)
	}
	return string(said)
}

func text(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }
