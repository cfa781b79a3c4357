package keys_test

import (
	"bytes"
	"crypto"
	"crypto/ecdsa"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
)

const day = 24 * time.Hour

var master = bytes.Repeat([]byte{7}, 32)

// clock is a time that tests move.
type clock struct{ t time.Time }

func (c *clock) now() time.Time { return c.t }

func (c *clock) pass(d time.Duration) { c.t = c.t.Add(d) }

func newClock() *clock { return &clock{time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func open(t testing.TB, d *db.DB, now func() time.Time) *keys.Ring {
	t.Helper()
	r, err := keys.Open(t.Context(), d, keys.Options{Master: master, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func sign(t testing.TB, r *keys.Ring, alg string) string {
	t.Helper()
	jws, err := r.Sign(alg, "", map[string]any{"iss": "https://login.example.gov.uk", "sub": "someone"})
	if err != nil {
		t.Fatal(err)
	}
	return jws
}

// header is the protected header of a compact JWS.
func header(t testing.TB, jws string) map[string]any {
	t.Helper()
	first, _, _ := strings.Cut(jws, ".")
	raw, err := base64.RawURLEncoding.DecodeString(first)
	if err != nil {
		t.Fatal(err)
	}
	var h map[string]any
	if err := json.Unmarshal(raw, &h); err != nil {
		t.Fatal(err)
	}
	return h
}

// signer is the kid that signs for alg now.
func signer(t testing.TB, r *keys.Ring, alg string) string {
	t.Helper()
	return header(t, sign(t, r, alg))["kid"].(string)
}

// published are the kids of alg in the key set, sorted.
func published(r *keys.Ring, alg string) []string {
	var kids []string
	for _, k := range r.Public().Keys {
		if k.Algorithm == alg {
			kids = append(kids, k.KeyID)
		}
	}
	slices.Sort(kids)
	return kids
}

func renew(t testing.TB, r *keys.Ring) {
	t.Helper()
	if err := r.Renew(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func rotate(t testing.TB, r *keys.Ring, alg string) {
	t.Helper()
	if err := r.Rotate(t.Context(), alg); err != nil {
		t.Fatal(err)
	}
}

func exec(t testing.TB, d *db.DB, q string, args ...any) {
	t.Helper()
	if _, err := d.Exec(t.Context(), q, args...); err != nil {
		t.Fatal(err)
	}
}

func TestPublic(t *testing.T) {
	set := open(t, sqlite(t), time.Now).Public()
	if len(set.Keys) != 2 {
		t.Fatalf("%d keys, want one of each algorithm", len(set.Keys))
	}
	for _, k := range set.Keys {
		thumbprint, err := k.Thumbprint(crypto.SHA256)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := k.KeyID, base64.RawURLEncoding.EncodeToString(thumbprint); got != want {
			t.Errorf("kid = %s, want the RFC 7638 thumbprint %s", got, want)
		}
		if k.Use != "sig" || !k.Valid() {
			t.Errorf("use = %q, valid = %v", k.Use, k.Valid())
		}
		switch pub := k.Key.(type) {
		case *rsa.PublicKey:
			if k.Algorithm != "RS256" || pub.N.BitLen() != 2048 {
				t.Errorf("RSA key of %d bits for %s", pub.N.BitLen(), k.Algorithm)
			}
		case *ecdsa.PublicKey:
			if k.Algorithm != "ES256" || pub.Curve.Params().Name != "P-256" {
				t.Errorf("%s key for %s", pub.Curve.Params().Name, k.Algorithm)
			}
		default:
			t.Errorf("key set holds a %T", k.Key)
		}
	}
}

func TestPublicHasNothingPrivate(t *testing.T) {
	raw, err := json.Marshal(open(t, sqlite(t), time.Now).Public())
	if err != nil {
		t.Fatal(err)
	}
	var set struct{ Keys []map[string]any }
	if err := json.Unmarshal(raw, &set); err != nil {
		t.Fatal(err)
	}
	// RFC 7518 §6.2.1 and §6.3.1, RFC 7517 §4: the members that are public.
	public := []string{"kty", "use", "alg", "kid", "crv", "x", "y", "n", "e"}
	for _, k := range set.Keys {
		for member := range k {
			if !slices.Contains(public, member) {
				t.Errorf("key set shows %q", member)
			}
		}
	}
}

// TestSign has other libraries judge what we sign.
func TestSign(t *testing.T) {
	r := open(t, sqlite(t), time.Now)
	for _, alg := range []string{"RS256", "ES256"} {
		jws, err := r.Sign(alg, "logout+jwt", map[string]any{"sub": "someone"})
		if err != nil {
			t.Fatal(err)
		}
		kid := published(r, alg)[0]
		want := map[string]any{"alg": alg, "kid": kid, "typ": "logout+jwt"}
		if diff := cmp.Diff(want, header(t, jws)); diff != "" {
			t.Errorf("%s: header (-want +got):\n%s", alg, diff)
		}
		if _, ok := header(t, sign(t, r, alg))["typ"]; ok {
			t.Errorf("%s: typ without being asked for", alg)
		}

		parsed, err := jose.ParseSignedCompact(jws, []jose.SignatureAlgorithm{jose.SignatureAlgorithm(alg)})
		if err != nil {
			t.Fatal(err)
		}
		set := r.Public()
		claims, err := parsed.Verify(&set)
		if got, want := string(claims), `{"sub":"someone"}`; err != nil || got != want {
			t.Errorf("%s: go-jose reads %s, %v; want %s", alg, got, err, want)
		}
		static := &oidc.StaticKeySet{PublicKeys: []crypto.PublicKey{set.Key(kid)[0].Key}}
		if _, err := static.VerifySignature(t.Context(), jws); err != nil {
			t.Errorf("%s: go-oidc: %v", alg, err)
		}
	}
	if _, err := r.Sign("none", "", nil); err == nil {
		t.Error("signed with alg none")
	}
}

func TestRestart(t *testing.T) {
	d := sqlite(t)
	before := open(t, d, time.Now)
	jws := sign(t, before, "ES256")
	after := open(t, d, time.Now)
	if diff := cmp.Diff(before.Public(), after.Public()); diff != "" {
		t.Errorf("key set after the restart (-before +after):\n%s", diff)
	}
	if _, err := after.Verify(jws); err != nil {
		t.Error(err)
	}
}

func TestOpenTogether(t *testing.T) {
	onEach(t, func(t *testing.T, d *db.DB) {
		const nodes = 8
		rings := make([]*keys.Ring, nodes)
		var g sync.WaitGroup
		for i := range nodes {
			g.Go(func() {
				r, err := keys.Open(t.Context(), d, keys.Options{Master: master})
				if err != nil {
					t.Error(err)
					return
				}
				rings[i] = r
			})
		}
		g.Wait()
		if t.Failed() {
			return
		}
		if n := len(rings[0].Public().Keys); n != 2 {
			t.Errorf("%d keys, want 2", n)
		}
		for _, r := range rings[1:] {
			if diff := cmp.Diff(rings[0].Public(), r.Public()); diff != "" {
				t.Errorf("nodes publish different keys:\n%s", diff)
			}
			if got, want := signer(t, r, "RS256"), signer(t, rings[0], "RS256"); got != want {
				t.Errorf("one node signs with %s, another with %s", want, got)
			}
		}
	})
}

func TestMasterKey(t *testing.T) {
	for _, size := range []int{0, 16, 24, 31, 33} {
		if _, err := keys.Open(t.Context(), sqlite(t), keys.Options{Master: make([]byte, size)}); err == nil {
			t.Errorf("opened with a master key of %d bytes", size)
		}
	}
	d := sqlite(t)
	open(t, d, time.Now)
	_, err := keys.Open(t.Context(), d, keys.Options{Master: bytes.Repeat([]byte{8}, 32)})
	if !errors.Is(err, keys.ErrMaster) {
		t.Errorf("opened with another master key: %v", err)
	}
}

func TestTamperedRow(t *testing.T) {
	for name, change := range map[string]string{
		"sealed keys swapped": `UPDATE signing_keys SET sealed = (SELECT o.sealed FROM signing_keys o WHERE o.line <> signing_keys.line AND o.line <> 'SAML')`,
		"sealed key emptied":  `UPDATE signing_keys SET sealed = ''`,
		"kid changed":         `UPDATE signing_keys SET kid = 'x' || kid`,
		"line changed":        `UPDATE signing_keys SET line = 'ES256', generation = 2 WHERE line = 'RS256'`,
	} {
		t.Run(name, func(t *testing.T) {
			d := sqlite(t)
			open(t, d, time.Now)
			exec(t, d, change)
			if _, err := keys.Open(t.Context(), d, keys.Options{Master: master}); !errors.Is(err, keys.ErrMaster) {
				t.Errorf("got %v, want ErrMaster", err)
			}
		})
	}
}

func TestPrivateKeysAreSealed(t *testing.T) {
	d := sqlite(t)
	open(t, d, time.Now)
	rows, err := d.Query(t.Context(), `SELECT sealed FROM signing_keys`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var sealed []byte
		if err := rows.Scan(&sealed); err != nil {
			t.Fatal(err)
		}
		// PKCS #8 is a DER sequence that names its algorithm: 1.2.840.…
		if bytes.Contains(sealed, []byte{0x06, 0x07, 0x2a, 0x86, 0x48}) || bytes.Contains(sealed, []byte{0x06, 0x09, 0x2a, 0x86, 0x48}) {
			t.Error("a private key lies open in the database")
		}
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
}

func BenchmarkSign(b *testing.B) {
	r := open(b, sqlite(b), time.Now)
	claims := map[string]any{
		"iss": "https://login.example.gov.uk", "sub": "0123456789012345678901234567890123456789012", "aud": "council-tax",
		"exp": 1800000000, "iat": 1799999700, "auth_time": 1799999690, "nonce": "n-0S6_WzA2Mj", "acr": "P0.Cl", "sid": "abcdefghijklmnopqrstuvwxyz",
		"name": "Jo Bloggs", "email": "jo@example.org", "email_verified": true,
	}
	for _, alg := range []string{"RS256", "ES256"} {
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := r.Sign(alg, "", claims); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

func BenchmarkVerify(b *testing.B) {
	r := open(b, sqlite(b), time.Now)
	for _, alg := range []string{"RS256", "ES256"} {
		jws := sign(b, r, alg)
		b.Run(alg, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := r.Verify(jws); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
