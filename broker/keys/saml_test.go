package keys_test

import (
	"crypto"
	"crypto/rsa"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
)

// serials are the certificates that a ring publishes for SAML, first the one
// that signs.
func serials(r *keys.Ring) []string {
	var all []string
	for _, c := range r.SAML() {
		all = append(all, c.Certificate.SerialNumber.String())
	}
	return all
}

func TestSAML(t *testing.T) {
	now := newClock().now()
	ring, err := keys.Open(t.Context(), sqlite(t), keys.Options{Master: master, Now: newClock().now, Name: "login.example.gov.uk"})
	if err != nil {
		t.Fatal(err)
	}
	if n := len(ring.SAML()); n != 1 {
		t.Fatalf("%d SAML keys, want 1", n)
	}
	c := ring.SAML()[0]
	if _, ok := c.Signer.(crypto.Decrypter); !ok {
		t.Errorf("a %T does not decrypt", c.Signer)
	}
	public, ok := c.Certificate.PublicKey.(*rsa.PublicKey)
	if !ok || !public.Equal(c.Signer.Public()) || public.N.BitLen() != 2048 {
		t.Error("the certificate is not for the key, RSA of 2048 bits")
	}
	if err := c.Certificate.CheckSignature(c.Certificate.SignatureAlgorithm, c.Certificate.RawTBSCertificate, c.Certificate.Signature); err != nil {
		t.Errorf("not self-signed: %v", err)
	}
	if got := c.Certificate.Subject.CommonName; got != "login.example.gov.uk" {
		t.Errorf("common name %q", got)
	}
	if !c.Certificate.NotBefore.Before(now) || !c.Certificate.NotAfter.Equal(now.Add(3650*day)) {
		t.Errorf("valid from %v until %v", c.Certificate.NotBefore, c.Certificate.NotAfter)
	}
}

// RFC 5280 appendix A.1 allows 64 characters.
func TestCommonName(t *testing.T) {
	for _, name := range []string{"", strings.Repeat("x", 65)} {
		r, err := keys.Open(t.Context(), sqlite(t), keys.Options{Master: master, Name: name})
		if err != nil {
			t.Fatal(err)
		}
		if got := r.SAML()[0].Certificate.Subject.CommonName; got != "councilid SAML" {
			t.Errorf("name %q: common name %q", name, got)
		}
	}
}

// A key has one use: tokens do not show or take the keys of SAML.
func TestSAMLKeysAreNotForTokens(t *testing.T) {
	r := open(t, sqlite(t), time.Now)
	for _, k := range r.Public().Keys {
		if public, ok := k.Key.(*rsa.PublicKey); ok && public.Equal(r.SAML()[0].Signer.Public()) {
			t.Error("the key set holds the SAML key")
		}
	}
	if _, err := r.Sign("SAML", "", nil); err == nil {
		t.Error("signed a token with the SAML key")
	}
	id := r.List()[2].ID
	signer, err := jose.NewSigner(jose.SigningKey{
		Algorithm: jose.RS256, Key: jose.JSONWebKey{Key: r.SAML()[0].Signer, KeyID: id},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	jws, err := signer.Sign([]byte(`{}`))
	if err != nil {
		t.Fatal(err)
	}
	compact, err := jws.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Verify(compact); err == nil {
		t.Error("a token that the SAML key signed is the broker's")
	}
}

func TestSAMLOnEveryNode(t *testing.T) {
	onEach(t, func(t *testing.T, d *db.DB) {
		rings := make([]*keys.Ring, 4)
		var g sync.WaitGroup
		for i := range rings {
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
		for _, r := range append(rings, open(t, d, time.Now)) {
			if got, want := serials(r), serials(rings[0]); !slices.Equal(got, want) {
				t.Errorf("one node has certificates %v, another %v", want, got)
			}
		}
	})
}

// TestSAMLNeverRotatesByAge lets a broker run for three years.
func TestSAMLNeverRotatesByAge(t *testing.T) {
	c := newClock()
	r := open(t, sqlite(t), c.now)
	first := serials(r)
	for range 36 {
		c.pass(30 * day)
		renew(t, r)
	}
	if got := serials(r); !slices.Equal(got, first) {
		t.Errorf("certificates %v, want %v still", got, first)
	}
}

// TestSAMLRotation follows the line through a rotation, on two nodes.
func TestSAMLRotation(t *testing.T) {
	c, d := newClock(), sqlite(t)
	one, two := open(t, d, c.now), open(t, d, c.now)
	old := serials(one)[0]
	rotate(t, one, "SAML")
	fresh := serials(one)[1:]
	if len(fresh) != 1 {
		t.Fatalf("certificates %v, want the new one published at once", serials(one))
	}
	check := func(when string, want ...string) {
		t.Helper()
		for _, r := range []*keys.Ring{one, two} {
			renew(t, r)
			if got := serials(r); !slices.Equal(got, want) {
				t.Errorf("%s: certificates %v, want %v", when, got, want)
			}
		}
	}
	check("rotated", old, fresh[0])
	rotate(t, two, "SAML")
	check("rotated while one waits", old, fresh[0])
	c.pass(14*day - time.Second)
	check("a second before it signs", old, fresh[0])
	c.pass(time.Second)
	check("fourteen days later", fresh[0], old)
	c.pass(14*day - time.Second)
	check("a second before the old one goes", fresh[0], old)
	c.pass(time.Second)
	check("fourteen days later", fresh[0])
	c.pass(time.Second)
	renew(t, two) // deletes it
	renew(t, one)
	if got := len(one.List()); got != 3 {
		t.Errorf("%d keys, want one a line: the old private key has no use any more", got)
	}
	rotate(t, one, "SAML")
	if got := len(serials(one)); got != 2 {
		t.Errorf("%d certificates, want 2: nothing waits any more", got)
	}
}

func TestLead(t *testing.T) {
	c := newClock()
	r, err := keys.Open(t.Context(), sqlite(t), keys.Options{Master: master, Now: c.now, Lead: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	rotate(t, r, "SAML")
	fresh := serials(r)[1]
	c.pass(time.Hour)
	renew(t, r)
	if got := serials(r)[0]; got != fresh {
		t.Errorf("%s signs after an hour, want %s", got, fresh)
	}
}

// TestForeignCertificate puts another key's certificate into the table.
func TestForeignCertificate(t *testing.T) {
	d, other := sqlite(t), open(t, sqlite(t), time.Now)
	open(t, d, time.Now)
	for name, der := range map[string][]byte{"another key's": other.SAML()[0].Certificate.Raw, "none": nil, "nonsense": []byte("x")} {
		exec(t, d, `UPDATE signing_keys SET certificate = $1 WHERE line = 'SAML'`, der)
		if _, err := keys.Open(t.Context(), d, keys.Options{Master: master}); err == nil {
			t.Errorf("%s: opened", name)
		}
	}
}

func TestList(t *testing.T) {
	c := newClock()
	r := open(t, sqlite(t), c.now)
	rotate(t, r, "SAML")
	rotate(t, r, "ES256")
	now := c.now()
	var lines []string
	for _, k := range r.List() {
		lines = append(lines, k.Line)
		if k.ID == "" || (k.Certificate != nil) != (k.Line == "SAML") {
			t.Errorf("%s: id %q, certificate %v", k.Line, k.ID, k.Certificate != nil)
		}
	}
	if want := []string{"RS256", "ES256", "ES256", "SAML", "SAML"}; !slices.Equal(lines, want) {
		t.Fatalf("lines %v, want %v", lines, want)
	}
	old, fresh := r.List()[3], r.List()[4]
	if !old.Signs || !old.From.Equal(now) || !old.Until.Equal(now.Add(14*day)) || !old.Withdrawn.Equal(now.Add(28*day)) {
		t.Errorf("the old one: %+v", old)
	}
	if fresh.Signs || !fresh.From.Equal(now.Add(14*day)) || !fresh.Until.IsZero() || !fresh.Withdrawn.IsZero() {
		t.Errorf("the new one: %+v", fresh)
	}
}
