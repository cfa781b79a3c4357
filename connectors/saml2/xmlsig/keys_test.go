package xmlsig_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"encoding/asn1"
	"encoding/base64"
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	dsig "github.com/russellhaering/goxmldsig"

	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

func TestVerifyPolicy(t *testing.T) {
	key, ec := ours(t), ecKey(t, elliptic.P256())
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	goodEC := sign(t, tree(t, alice), ec, xmlsig.ECDSASHA256)
	at := func(year int) xmlsig.Policy {
		return xmlsig.Policy{EnforceExpiry: true, Now: func() time.Time { return time.Date(year, 6, 1, 0, 0, 0, 0, time.UTC) }}
	}
	only := func(alg xmlsig.Algorithm) xmlsig.Policy { return xmlsig.Policy{Algorithms: []xmlsig.Algorithm{alg}} }

	verify(t, good, "", only(xmlsig.RSASHA256), key)
	verify(t, good, "signature algorithm not accepted", only(xmlsig.RSASHA512), key)
	verify(t, good, "", at(2026), key)
	verify(t, good, "certificate expired or not valid yet", at(2025), key)
	verify(t, good, "certificate expired or not valid yet", at(2027), key)
	verify(t, good, "signature algorithm for another kind of key", xmlsig.Policy{}, ec)
	verify(t, goodEC, "signature algorithm for another kind of key", xmlsig.Policy{}, key)
	verify(t, good, "", xmlsig.Policy{}, ec, key)
	verify(t, good, "", xmlsig.Policy{}, key, ec)
	verify(t, good, "signature algorithm for another kind of key", xmlsig.Policy{}, theirs(t), ec)
}

// A certificate that expired long ago still proves what its key signed, unless
// the policy says otherwise.
func TestVerifyUsesTheRealClock(t *testing.T) {
	key := ours(t)
	key.Certificate.NotAfter = time.Now().Add(-time.Minute)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	verify(t, good, "", xmlsig.Policy{}, key)
	verify(t, good, "certificate expired or not valid yet", xmlsig.Policy{EnforceExpiry: true}, key)
}

func TestVerifyRefusesWeakKeys(t *testing.T) {
	weak := certify(t, weakRSA(t))
	verify(t, sign(t, tree(t, alice), weak, xmlsig.RSASHA256), "RSA key shorter than 2048 bits", xmlsig.Policy{}, weak)

	short, err := ecdsa.GenerateKey(elliptic.P224(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := sign(t, tree(t, alice), ecKey(t, elliptic.P256()), xmlsig.ECDSASHA256)
	verify(t, good, "elliptic curve not accepted", xmlsig.Policy{}, certify(t, short))

	_, edwards, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	verify(t, good, "key of an unknown kind", xmlsig.Policy{}, certify(t, edwards))
}

func weakRSA(t *testing.T) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// SHA-1 is accepted where it is listed and nowhere else.
func TestVerifySHA1(t *testing.T) {
	key := ours(t)
	document := edited(t, sign(t, tree(t, alice), key, xmlsig.RSASHA256), func(_, signature *etree.Element) {
		info := signature.FindElement("./SignedInfo")
		set("./SignatureMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#rsa-sha1")(info)
		set("./Reference/DigestMethod", "Algorithm", "http://www.w3.org/2000/09/xmldsig#sha1")(info)
		alone := tree(t, alice)
		content, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(alone)
		if err != nil {
			t.Fatal(err)
		}
		info.FindElement("./Reference/DigestValue").SetText(base64.StdEncoding.EncodeToString(sha1of(content)))
		detached := info.Copy()
		detached.CreateAttr("xmlns:ds", dsig.Namespace)
		raw, err := dsig.MakeC14N10ExclusiveCanonicalizerWithPrefixList("").Canonicalize(detached)
		if err != nil {
			t.Fatal(err)
		}
		value, err := key.Signer.Sign(rand.Reader, sha1of(raw), crypto.SHA1)
		if err != nil {
			t.Fatal(err)
		}
		signature.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
	})
	verify(t, document, "", xmlsig.Policy{Algorithms: []xmlsig.Algorithm{xmlsig.RSASHA256, xmlsig.RSASHA1}}, key)
	verify(t, document, "signature algorithm not accepted", xmlsig.Policy{}, key)
	verify(t, document, "signature algorithm not accepted", xmlsig.Policy{Algorithms: []xmlsig.Algorithm{xmlsig.RSASHA256}}, key)
}

func sha1of(data []byte) []byte {
	h := crypto.SHA1.New()
	h.Write(data)
	return h.Sum(nil)
}

func TestVerifyPSS(t *testing.T) {
	key := ours(t)
	good := sign(t, tree(t, alice), key, xmlsig.RSASHA256)
	salted := func(salt int) string {
		return edited(t, good, func(_, signature *etree.Element) {
			info := signature.FindElement("./SignedInfo")
			set("./SignatureMethod", "Algorithm", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")(info)
			value, err := key.Signer.Sign(rand.Reader, digestOf(t, info), &rsa.PSSOptions{SaltLength: salt, Hash: crypto.SHA256})
			if err != nil {
				t.Fatal(err)
			}
			signature.FindElement("./SignatureValue").SetText(base64.StdEncoding.EncodeToString(value))
		})
	}
	verify(t, salted(32), "", xmlsig.Policy{}, key)
	verify(t, salted(32), "signature algorithm not accepted", xmlsig.Policy{Algorithms: []xmlsig.Algorithm{xmlsig.RSASHA256}}, key)
	verify(t, salted(20), "signature does not match", xmlsig.Policy{}, key)
	verify(t, strings.Replace(salted(32), "alice", "admin", 1), "digest does not match", xmlsig.Policy{}, key)
}

// Signatures are r and s side by side; Go and X.509 have ASN.1.
func TestVerifyECDSA(t *testing.T) {
	key := ecKey(t, elliptic.P256())
	good := sign(t, tree(t, alice), key, xmlsig.ECDSASHA256)
	reshaped := func(reshape func(value []byte) []byte) string {
		return edited(t, good, func(_, signature *etree.Element) {
			v := signature.FindElement("./SignatureValue")
			raw, err := base64.StdEncoding.DecodeString(v.Text())
			if err != nil {
				t.Fatal(err)
			}
			v.SetText(base64.StdEncoding.EncodeToString(reshape(raw)))
		})
	}
	verify(t, good, "", xmlsig.Policy{}, key)
	verify(t, good, "ECDSA signature of a wrong length", xmlsig.Policy{}, ecKey(t, elliptic.P384()))
	verify(t, reshaped(func(v []byte) []byte { return v[:63] }), "ECDSA signature of a wrong length", xmlsig.Policy{}, key)
	verify(t, reshaped(func(v []byte) []byte { return make([]byte, 64) }), "signature does not match", xmlsig.Policy{}, key)
	verify(t, reshaped(func(v []byte) []byte {
		der, err := asn1.Marshal(struct{ R, S *big.Int }{new(big.Int).SetBytes(v[:32]), new(big.Int).SetBytes(v[32:])})
		if err != nil {
			t.Fatal(err)
		}
		return der
	}), "ECDSA signature of a wrong length", xmlsig.Policy{}, key)
}
