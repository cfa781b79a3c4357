// Package xmlenc encrypts assertions and decrypts them (XML Encryption 1.1).
//
// AES in GCM or CBC mode under an RSA-OAEP key. RSA PKCS#1 v1.5 key transport
// (Bleichenbacher) is never accepted. Whatever fails from the key transport on
// fails with the same words and after the same steps, so that nobody can use
// the broker as an oracle. Encryption says nothing about who wrote the
// plaintext.
package xmlenc

import "slices"

// Data is a content encryption algorithm by the name that operators write.
type Data string

// Content encryption algorithms.
const (
	AES128GCM Data = "aes128-gcm"
	AES256GCM Data = "aes256-gcm"
	AES128CBC Data = "aes128-cbc"
	AES192CBC Data = "aes192-cbc" // decrypted only
	AES256CBC Data = "aes256-cbc"
)

// Key is a key transport algorithm by the name that operators write.
type Key string

// Key transport algorithms.
const (
	OAEPMGF1P Key = "rsa-oaep-mgf1p" // SHA-1 as mask hash, which OAEP does not depend on; digest as DigestMethod says
	OAEP      Key = "rsa-oaep"       // xmlenc11: encrypts with SHA-256 for both hashes; decrypts what DigestMethod and MGF say
)

// Policy is what a party accepts. Empty lists are AES-GCM and AES256CBC, and
// both key transports.
type Policy struct {
	Data []Data
	Key  []Key
}

// Accepted returns the policy with its defaults in the place of empty lists,
// the preferred algorithms first.
func (p Policy) Accepted() Policy {
	if len(p.Data) == 0 {
		p.Data = []Data{AES256GCM, AES128GCM, AES256CBC}
	}
	if len(p.Key) == 0 {
		p.Key = []Key{OAEP, OAEPMGF1P}
	}
	return p
}

// URI is the algorithm's identifier (XML Encryption §5.2), "" for one that is
// not known.
func (d Data) URI() string { return ciphers[d].uri }

// URI is the algorithm's identifier (XML Encryption §5.5), "" for one that is
// not known.
func (k Key) URI() string { return transportURIs[k] }

// Namespaces.
const (
	enc   = "http://www.w3.org/2001/04/xmlenc#"
	enc11 = "http://www.w3.org/2009/xmlenc11#"
	dsig  = "http://www.w3.org/2000/09/xmldsig#"
)

var ciphers = map[Data]contentCipher{
	AES128GCM: {uri: enc11 + "aes128-gcm", size: 16, seal: sealGCM, open: openGCM},
	AES256GCM: {uri: enc11 + "aes256-gcm", size: 32, seal: sealGCM, open: openGCM},
	AES128CBC: {uri: enc + "aes128-cbc", size: 16, seal: sealCBC, open: openCBC},
	AES192CBC: {uri: enc + "aes192-cbc", size: 24, open: openCBC},
	AES256CBC: {uri: enc + "aes256-cbc", size: 32, seal: sealCBC, open: openCBC},
}

var transportURIs = map[Key]string{
	OAEPMGF1P: enc + "rsa-oaep-mgf1p",
	OAEP:      enc11 + "rsa-oaep",
}

// named returns the algorithm of the list that has this identifier, or "".
func named[A interface {
	~string
	URI() string
}](list []A, uri string) A {
	i := slices.IndexFunc(list, func(a A) bool { return uri != "" && a.URI() == uri })
	if i < 0 {
		return ""
	}
	return list[i]
}
