package attack

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/hmac"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/x509"
	"encoding/pem"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// keys adds signatures by somebody else, and of kinds that prove nothing.
func (f *forge) keys() {
	mismatch := "assertion: signature does not match"
	byAttacker := func() *etree.Element {
		return f.response(f.signWith(f.assertion(text("Subject/NameID", Admin)), f.attacker, xmlsig.RSASHA256))
	}
	data := "Assertion/Signature/KeyInfo/X509Data"
	f.refuse("S4 attacker's signature and certificate", mismatch, byAttacker())
	claimed := byAttacker()
	text(data+"/X509Certificate", encode(f.Provider.Certificate.Raw))(claimed)
	f.refuse("S5 attacker's signature, the provider's certificate", mismatch, claimed)
	both := byAttacker()
	at(both, data).CreateElement("ds:X509Certificate").SetText(encode(f.Provider.Certificate.Raw))
	f.refuse("S6 attacker's signature, both certificates", mismatch, both)
	value := byAttacker()
	remove(value, "Assertion/Signature/KeyInfo/X509Data")
	at(value, "Assertion/Signature/KeyInfo").CreateElement("ds:KeyName").SetText("idp")
	f.refuse("attacker's signature, a key's name", mismatch, value)
	f.refuse("attacker's signature on the response", "response: signature does not match",
		f.signWith(f.response(f.assertion(text("Subject/NameID", Admin))), f.attacker, xmlsig.RSASHA256))

	bare := f.byAssertion()
	remove(bare, "Assertion/Signature/KeyInfo")
	f.accept("no KeyInfo", bare)
	misleading := f.byAssertion()
	text("Assertion/Signature/KeyInfo/X509Data/X509Certificate", encode(f.attacker.Certificate.Raw))(misleading)
	f.accept("attacker's certificate in KeyInfo, the provider's signature", misleading)

	f.algorithms()
	f.curves()
	f.keysOfOthers()
}

// algorithms adds signature methods that are off.
func (f *forge) algorithms() {
	method := func(name, refusal, uri string) {
		f.refuse(name, "response: "+refusal, f.resigned(f.response(f.assertion()), nil,
			set("SignedInfo/SignatureMethod", "Algorithm", uri)))
	}
	off := "signature algorithm not accepted"
	method("RSA-SHA1", off, signatureSpace+"rsa-sha1")
	method("RSA-MD5", off, "http://www.w3.org/2001/04/xmldsig-more#rsa-md5")
	method("DSA", off, signatureSpace+"dsa-sha1")
	method("no algorithm", off, "")
	method("ECDSA said of an RSA key", "signature algorithm for another kind of key", "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256")
	method("PSS said of PKCS#1", "signature does not match", "http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1")
	f.refuse("SHA-1 digest", "response: digest algorithm not accepted", f.resigned(f.response(f.assertion()), nil,
		set("SignedInfo/Reference/DigestMethod", "Algorithm", signatureSpace+"sha1")))
	f.refuse("algorithm with parameters", "response: signature algorithm with parameters",
		f.resigned(f.response(f.assertion()), nil, func(s *etree.Element) {
			at(s, "SignedInfo/SignatureMethod").CreateElement("ds:HMACOutputLength").SetText("8")
		}))

	// The provider's public key as the secret of a MAC.
	mac := f.byResponse(text("Assertion/Subject/NameID", Admin))
	set("Signature/SignedInfo/SignatureMethod", "Algorithm", signatureSpace+"hmac-sha1")(mac)
	f.seal(child(mac, "Signature"), func(info []byte) ([]byte, error) {
		h := hmac.New(sha1.New, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: f.Provider.Certificate.Raw}))
		h.Write(info)
		return h.Sum(nil), nil
	})
	f.refuse("S7 HMAC with the public key", "response: "+off, mac)
}

// judged adds a document that is judged under a demand of its own.
func (f *forge) judged(name, refusal string, response *etree.Element, demand func(*message.Expect)) {
	f.add(Document{Name: name, Refusal: refusal, XML: xmlgate.Bytes(response), Demand: demand})
}

// under demands that one of these keys signed.
func under(keys ...xmlsig.Credential) func(*message.Expect) {
	return func(x *message.Expect) {
		x.Keys = nil
		for _, k := range keys {
			x.Keys = append(x.Keys, k.Certificate)
		}
	}
}

// algorithmsOf demands signatures of these algorithms.
func algorithmsOf(a ...xmlsig.Algorithm) func(*message.Expect) {
	return func(x *message.Expect) { x.Policy.Algorithms = a }
}

// curves adds ECDSA, whose signatures XML writes in another way than X.509.
func (f *forge) curves() {
	for _, c := range []struct {
		curve elliptic.Curve
		alg   xmlsig.Algorithm
	}{
		{elliptic.P256(), xmlsig.ECDSASHA256},
		{elliptic.P384(), xmlsig.ECDSASHA384},
		{elliptic.P521(), xmlsig.ECDSASHA512},
	} {
		key := newECDSA(f, c.curve)
		f.judged("signed with "+string(c.alg), "", f.response(f.signWith(f.assertion(), key, c.alg)), under(key))
	}
	key := newECDSA(f, elliptic.P256())
	asn1 := f.signWith(f.response(f.assertion()), key, xmlsig.ECDSASHA256)
	f.seal(child(asn1, "Signature"), func(info []byte) ([]byte, error) {
		return ecdsa.SignASN1(rand.Reader, key.Signer.(*ecdsa.PrivateKey), sha256Of(info))
	})
	f.judged("ECDSA in ASN.1", "response: ECDSA signature of a wrong length", asn1, under(key))
	zero := f.signWith(f.response(f.assertion()), key, xmlsig.ECDSASHA256)
	text("Signature/SignatureValue", encode(make([]byte, 64)))(zero) // CVE-2022-21449
	f.judged("ECDSA of zeros", "response: signature does not match", zero, under(key))
	f.judged("RSA said to an ECDSA key", "response: signature algorithm for another kind of key", f.byResponse(), under(key))
	f.judged("ECDSA on a curve that is off", "response: elliptic curve not accepted", asn1, under(newECDSA(f, elliptic.P224())))

	public, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		f.Fatal(err)
	}
	strange := xmlsig.Credential{Certificate: &x509.Certificate{PublicKey: public}}
	f.judged("key of another kind", "response: key of an unknown kind", f.byResponse(), under(strange))
}

// keysOfOthers adds keys as providers have them over the years.
func (f *forge) keysOfOthers() {
	bare := func() *etree.Element {
		e := f.byAssertion()
		remove(e, "Assertion/Signature/KeyInfo")
		return e
	}
	f.judged("two keys and no KeyInfo", "", bare(), under(f.attacker, f.Provider))
	f.judged("another provider's key", "assertion: signature does not match", bare(), under(f.attacker))

	expired := certified(f, f.Provider.Signer, -time.Hour)
	f.judged("expired certificate", "", f.byAssertion(), under(expired))
	f.judged("expired certificate where that matters", "assertion: certificate expired or not valid yet", f.byAssertion(),
		func(x *message.Expect) {
			under(expired)(x)
			x.Policy.EnforceExpiry = true
		})
	short := newRSA(f, 1024)
	f.judged("RSA of 1024 bits", "assertion: RSA key shorter than 2048 bits",
		f.response(f.signWith(f.assertion(), short, xmlsig.RSASHA256)), under(short))

	f.accept("rsa-sha384", f.response(f.signWith(f.assertion(), f.Provider, xmlsig.RSASHA384)))
	f.accept("rsa-sha512", f.response(f.signWith(f.assertion(), f.Provider, xmlsig.RSASHA512)))
	f.judged("rsa-sha256 where that is not accepted", "assertion: signature algorithm not accepted", f.byAssertion(),
		algorithmsOf(xmlsig.RSASHA512))
	key := f.Provider.Signer.(*rsa.PrivateKey)
	f.accept("rsa-pss-sha256", f.other("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", func(info []byte) ([]byte, error) {
		return rsa.SignPSS(rand.Reader, key, crypto.SHA256, sha256Of(info), &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash})
	}))
	f.refuse("rsa-pss-sha256 without salt", "response: signature does not match",
		f.other("http://www.w3.org/2007/05/xmldsig-more#sha256-rsa-MGF1", func(info []byte) ([]byte, error) {
			return rsa.SignPSS(rand.Reader, key, crypto.SHA256, sha256Of(info), &rsa.PSSOptions{SaltLength: 0})
		}))
	f.judged("rsa-sha1 where an operator insists", "", f.other(signatureSpace+"rsa-sha1", func(info []byte) ([]byte, error) {
		digest := sha1.Sum(info)
		return rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA1, digest[:])
	}), algorithmsOf(xmlsig.RSASHA1))
}

// other is a signed response whose SignedInfo is signed in another way.
func (f *forge) other(method string, sign func(info []byte) ([]byte, error)) *etree.Element {
	e := f.byResponse()
	set("Signature/SignedInfo/SignatureMethod", "Algorithm", method)(e)
	f.seal(child(e, "Signature"), sign)
	return e
}
