package attack

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"fmt"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlenc"
)

const (
	encryptionSpace = "http://www.w3.org/2001/04/xmlenc#"
	encryption11    = "http://www.w3.org/2009/xmlenc11#"

	// undone is all that is said of whatever fails from the key transport on.
	undone = "assertion: decryption failed"
)

// encrypted is an EncryptedAssertion around e, altered.
func (f *forge) encrypted(e *etree.Element, alter ...func(encrypted *etree.Element)) *etree.Element {
	return f.sealed(e, xmlenc.AES256CBC, xmlenc.OAEPMGF1P, alter...)
}

func (f *forge) sealed(e *etree.Element, data xmlenc.Data, key xmlenc.Key, alter ...func(encrypted *etree.Element)) *etree.Element {
	f.Helper()
	encrypted := message.Encrypted(f.ciphertext(e, data, key))
	for _, a := range alter {
		a(encrypted)
	}
	return encrypted
}

func (f *forge) ciphertext(e *etree.Element, data xmlenc.Data, key xmlenc.Key) *etree.Element {
	f.Helper()
	c, err := xmlenc.Encrypt(e, f.Recipient, data, key)
	if err != nil {
		f.Fatal(err)
	}
	return c
}

// encryptions adds encrypted assertions: that somebody could encrypt one says
// nothing about who wrote it.
func (f *forge) encryptions() {
	signed := func() *etree.Element { return f.sign(f.assertion()) }
	for _, data := range []xmlenc.Data{xmlenc.AES128GCM, xmlenc.AES256GCM, xmlenc.AES256CBC} {
		f.accept("encrypted with "+string(data), f.response(f.sealed(signed(), data, xmlenc.OAEPMGF1P)))
	}
	f.accept("encrypted under rsa-oaep", f.response(f.sealed(signed(), xmlenc.AES256GCM, xmlenc.OAEP)))
	f.accept("encrypted, response signed", f.sign(f.response(f.encrypted(f.assertion()))))
	f.accept("encrypted, both signed", f.sign(f.response(f.encrypted(signed()))))
	f.accept("EncryptedKey beside the data", f.response(f.encrypted(signed(), beside)))
	f.accept("EncryptedKey for somebody else in front", f.response(f.encrypted(signed(), func(e *etree.Element) {
		foreign := at(e, "EncryptedData/KeyInfo/EncryptedKey").Copy()
		text("CipherData/CipherValue", encode(make([]byte, 256)))(foreign)
		before(at(e, "EncryptedData/KeyInfo/EncryptedKey"), foreign)
	})))

	f.refuse("encrypted, nothing signed", "assertion: nothing is signed",
		f.response(f.encrypted(f.assertion(text("Subject/NameID", Admin)))))
	f.refuse("encrypted, tampered", "assertion: digest does not match", f.response(f.encrypted(promote(signed()))))
	f.refuse("encrypted, tampered response", "response: digest does not match", func() *etree.Element {
		e := f.sign(f.response(f.encrypted(f.assertion())))
		other := f.encrypted(f.assertion(text("Subject/NameID", Admin)))
		remove(e, "EncryptedAssertion")
		e.AddChild(other)
		return e
	}())

	f.ciphertexts()
	f.ciphers()
	f.plaintexts()
}

// beside moves the EncryptedKey behind the data, which points to it, as some
// providers have it.
func beside(encrypted *etree.Element) {
	key := remove(encrypted, "EncryptedData/KeyInfo/EncryptedKey")
	key.CreateAttr("xmlns:xenc", encryptionSpace)
	key.CreateAttr("xmlns:ds", signatureSpace)
	key.CreateAttr("Id", "_key")
	encrypted.AddChild(key)
	method := at(encrypted, "EncryptedData/KeyInfo").CreateElement("ds:RetrievalMethod")
	method.CreateAttr("Type", encryptionSpace+"EncryptedKey")
	method.CreateAttr("URI", "#_key")
}

// ciphertexts adds what cannot be decrypted: whatever is wrong, one refusal.
func (f *forge) ciphertexts() {
	data := "EncryptedData/CipherData/CipherValue"
	wrapped := "EncryptedData/KeyInfo/EncryptedKey/CipherData/CipherValue"
	with := func(name string, c xmlenc.Data, path string, value []byte) {
		f.refuse(name, undone, f.response(f.sealed(f.assertion(), c, xmlenc.OAEPMGF1P, text(path, encode(value)))))
	}
	for _, n := range []int{0, 1, 15, 16, 17, 33} {
		with(fmt.Sprintf("CBC of %d bytes", n), xmlenc.AES256CBC, data, make([]byte, n))
	}
	for _, n := range []int{0, 3, 12, 27, 40} {
		with(fmt.Sprintf("GCM of %d bytes", n), xmlenc.AES128GCM, data, make([]byte, n))
	}
	with("padding of nothing", xmlenc.AES256CBC, data, make([]byte, 64))
	with("wrapped key of nothing", xmlenc.AES256CBC, wrapped, nil)
	with("wrapped key of zeros", xmlenc.AES256CBC, wrapped, make([]byte, 256))
	with("wrapped key that is short", xmlenc.AES256CBC, wrapped, f.wrap(make([]byte, 8)))
	with("wrapped key of another size", xmlenc.AES256CBC, wrapped, f.wrap(make([]byte, 16)))
	with("a key that was not used", xmlenc.AES256GCM, wrapped, f.wrap(make([]byte, 32)))
	f.refuse("ciphertext is no base64", undone, f.response(f.encrypted(f.assertion(), text(data, "*"))))
	f.refuse("no ciphertext", undone, f.response(f.encrypted(f.assertion(), drop("EncryptedData/CipherData"))))
	f.refuse("two keys for a long ciphertext", undone, f.response(f.encrypted(f.assertion(), func(e *etree.Element) {
		text(data, encode(make([]byte, 700_000)))(e)
		double("EncryptedData/KeyInfo/EncryptedKey")(e)
	})))
	f.judged("no key to decrypt with", undone, f.response(f.encrypted(f.assertion())),
		func(x *message.Expect) { x.Decrypters = nil })
}

func (f *forge) wrap(key []byte) []byte {
	f.Helper()
	wrapped, err := rsa.EncryptOAEP(sha1.New(), rand.Reader, f.Recipient.PublicKey.(*rsa.PublicKey), key, nil)
	if err != nil {
		f.Fatal(err)
	}
	return wrapped
}

// ciphers adds algorithms that are off, and shapes that are wrong.
func (f *forge) ciphers() {
	with := func(name, refusal string, alter func(encrypted *etree.Element)) {
		f.refuse(name, "assertion: "+refusal, f.response(f.encrypted(f.sign(f.assertion()), alter)))
	}
	method := "EncryptedData/EncryptionMethod"
	transport := "EncryptedData/KeyInfo/EncryptedKey/EncryptionMethod"
	noKey := "no EncryptedKey with an accepted key transport (RSA PKCS#1 v1.5 never is)"
	f.refuse("AES-128-CBC where it is not accepted", "assertion: content encryption aes128-cbc is not accepted",
		f.response(f.sealed(f.sign(f.assertion()), xmlenc.AES128CBC, xmlenc.OAEPMGF1P)))
	f.judged("AES-128-CBC where it is", "", f.response(f.sealed(f.sign(f.assertion()), xmlenc.AES128CBC, xmlenc.OAEPMGF1P)),
		func(x *message.Expect) { x.Encryption.Data = []xmlenc.Data{xmlenc.AES128CBC} })
	with("triple DES", "content encryption is not known", set(method, "Algorithm", encryptionSpace+"tripledes-cbc"))
	with("no content encryption", "content encryption is not known", drop(method))
	with("CBC said to be GCM", "decryption failed", set(method, "Algorithm", encryption11+"aes256-gcm"))
	with("RSA PKCS#1 v1.5", noKey, func(e *etree.Element) { set(transport, "Algorithm", encryptionSpace+"rsa-1_5")(e) })
	with("no EncryptedKey", noKey, drop("EncryptedData/KeyInfo/EncryptedKey"))
	with("digest of the key transport that is not known", noKey, set(transport+"/DigestMethod", "Algorithm", encryptionSpace+"ripemd160"))
	with("digest of the key transport that was not used", "decryption failed",
		set(transport+"/DigestMethod", "Algorithm", encryptionSpace+"sha256"))
	with("mask of the key transport that is not known", noKey, func(e *etree.Element) {
		set(transport, "Algorithm", encryption11+"rsa-oaep")(e)
		mgf := at(e, transport).CreateElement("x:MGF")
		mgf.CreateAttr("xmlns:x", encryption11)
		mgf.CreateAttr("Algorithm", encryption11+"mgf1md5")
	})
	with("three EncryptedKeys", "more than 2 EncryptedKeys", func(e *etree.Element) {
		double("EncryptedData/KeyInfo/EncryptedKey")(e)
		double("EncryptedData/KeyInfo/EncryptedKey")(e)
	})
	with("no EncryptedData", "there must be one EncryptedData", drop("EncryptedData"))
	with("two EncryptedData", "there must be one EncryptedData", double("EncryptedData"))
}

// plaintexts adds what is wrong only once it is decrypted. It must sound like
// what cannot be decrypted: CBC lets anybody alter what comes out.
func (f *forge) plaintexts() {
	of := func(name, refusal string, plain *etree.Element) {
		f.refuse(name, refusal, f.response(f.encrypted(plain)))
	}
	of("encrypted response", undone, f.byAssertion())
	of("encrypted NameID", undone, namespaced(at(f.assertion(), "Subject/NameID")))
	of("encrypted text of two IDs", undone, f.sign(f.assertion(set("Subject", "Id", "_assertion"))))
	commented := f.sign(f.assertion())
	commented.CreateComment("x")
	of("encrypted comment", undone, commented)
	undeclared := f.sign(f.assertion())
	undeclared.RemoveAttr("xmlns:saml")
	of("encrypted, its namespace declared outside", undone, undeclared)
	of("encrypted twice", undone, f.encrypted(f.sign(f.assertion())))

	id := func(alter ...func(*etree.Element)) *etree.Element {
		plain := namespaced(at(f.assertion(), "Subject/NameID"))
		e := wrap("saml:EncryptedID", f.ciphertext(plain, xmlenc.AES256GCM, xmlenc.OAEPMGF1P))
		for _, a := range alter {
			a(e)
		}
		return e
	}
	named := func(e *etree.Element) *etree.Element {
		return f.byAssertion(func(a *etree.Element) {
			before(at(a, "Subject/NameID"), e)
			remove(a, "Subject/NameID")
		})
	}
	f.accept("EncryptedID", named(id()))
	f.refuse("EncryptedID that cannot be decrypted", undone,
		named(id(text("EncryptedData/CipherData/CipherValue", "AAAA"))))
	wrong := wrap("saml:EncryptedID", f.ciphertext(namespaced(at(f.assertion(), "Issuer")), xmlenc.AES256GCM, xmlenc.OAEPMGF1P))
	f.refuse("EncryptedID of something else", undone, named(wrong))
	f.refuse("EncryptedID beside a NameID", "assertion: more than one name identifier",
		f.byAssertion(func(a *etree.Element) { before(at(a, "Subject/NameID"), id()) }))

	attribute := func(plain *etree.Element) *etree.Element {
		return f.byAssertion(func(a *etree.Element) {
			at(a, "AttributeStatement").AddChild(
				wrap("saml:EncryptedAttribute", f.ciphertext(namespaced(plain), xmlenc.AES256GCM, xmlenc.OAEPMGF1P)))
		})
	}
	f.accept("EncryptedAttribute", attribute(at(f.assertion(), "AttributeStatement/Attribute")))
	f.refuse("EncryptedAttribute of something else", undone, attribute(at(f.assertion(), "Issuer")))
}

// namespaced is a copy of a part of an assertion that can stand alone.
func namespaced(e *etree.Element) *etree.Element {
	e = e.Copy()
	e.CreateAttr("xmlns:saml", assertionSpace)
	return e
}
