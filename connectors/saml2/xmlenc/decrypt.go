package xmlenc

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	_ "crypto/sha1" // the hashes that an EncryptedKey may name
	_ "crypto/sha256"
	_ "crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// ErrDecryption is the only thing that is said of whatever fails from the key
// transport on.
var ErrDecryption = errors.New("decryption failed")

// maxKeys bounds the EncryptedKeys of one element: each costs an RSA operation
// for each of our keys, and anybody may send them. One is ours, and there may be
// one for an archive or for our next key.
const maxKeys = 2

// Decrypt returns the plaintext of an EncryptedAssertion, EncryptedID or
// EncryptedAttribute: XML that has to go through the gate, and a refusal there
// should sound like [ErrDecryption], as CBC mode lets anybody alter what comes
// out. It is never longer than the ciphertext, which the gate has bounded. The
// EncryptedKey may be in KeyInfo or beside EncryptedData. Every key is tried,
// whatever comes of the one before. Other errors than ErrDecryption speak of the
// shape and the algorithms, and are found before any key is used.
func Decrypt(encrypted xmlgate.Element, keys []crypto.Decrypter, p Policy) ([]byte, error) {
	p = p.Accepted()
	all := encrypted.Children(enc, "EncryptedData")
	if len(all) != 1 {
		return nil, errors.New("there must be one EncryptedData")
	}
	data := all[0]
	c, err := contentMethod(data, p.Data)
	if err != nil {
		return nil, err
	}
	transports, err := transports(encrypted, data, p.Key)
	if err != nil {
		return nil, err
	}
	return c.openAny(unwrapAll(transports, keys, c.size), cipherValue(data))
}

// candidate is what an EncryptedKey may stand for.
type candidate struct {
	key  []byte
	ours bool // unwrapped by a key of ours, not made up
}

func unwrapAll(transports []transport, keys []crypto.Decrypter, size int) []candidate {
	var all []candidate
	for _, t := range transports {
		for _, key := range keys {
			all = append(all, t.unwrap(key, size))
		}
	}
	return all
}

// openAny opens the content with every candidate, so that the time it takes does
// not tell which one was good. The first that is ours decides, whether it opens
// the content or not: a second EncryptedKey, put there to be taken only where
// the padding under the first is bad, would tell that it is.
func (c contentCipher) openAny(candidates []candidate, sealed []byte) ([]byte, error) {
	var plain []byte
	err, decided := ErrDecryption, false
	for _, k := range candidates {
		opened, failed := c.open(k.key, sealed)
		if k.ours && !decided {
			plain, err, decided = opened, failed, true
		}
	}
	if err != nil {
		return nil, ErrDecryption
	}
	return plain, nil
}

// contentMethod finds the content encryption among those accepted.
func contentMethod(data xmlgate.Element, accepted []Data) (contentCipher, error) {
	uri := data.Child(enc, "EncryptionMethod").Attr("Algorithm")
	if d := named(accepted, uri); d != "" {
		return ciphers[d], nil
	}
	if d := named(slices.Collect(maps.Keys(ciphers)), uri); d != "" {
		return contentCipher{}, fmt.Errorf("content encryption %s is not accepted", d)
	}
	return contentCipher{}, errors.New("content encryption is not known")
}

// transport is one EncryptedKey.
type transport struct {
	options rsa.OAEPOptions
	wrapped []byte
}

// transports reads the EncryptedKeys, in KeyInfo and beside EncryptedData,
// whose algorithms are accepted. As all of them are tried, RetrievalMethod need
// not be followed.
func transports(encrypted, data xmlgate.Element, accepted []Key) ([]transport, error) {
	keys := slices.Concat(
		data.Child(dsig, "KeyInfo").Children(enc, "EncryptedKey"),
		encrypted.Children(enc, "EncryptedKey"))
	if len(keys) > maxKeys {
		return nil, fmt.Errorf("more than %d EncryptedKeys", maxKeys)
	}
	var found []transport
	for _, k := range keys {
		if o, ok := oaep(k.Child(enc, "EncryptionMethod"), accepted); ok {
			found = append(found, transport{o, cipherValue(k)})
		}
	}
	if len(found) == 0 {
		return nil, errors.New("no EncryptedKey with an accepted key transport (RSA PKCS#1 v1.5 never is)")
	}
	return found, nil
}

// oaep reads the hashes of a key transport (XML Encryption §5.5.2). Both are
// SHA-1 where nothing is said, and the mask hash of rsa-oaep-mgf1p always is.
func oaep(method xmlgate.Element, accepted []Key) (rsa.OAEPOptions, bool) {
	o := rsa.OAEPOptions{Hash: crypto.SHA1, MGFHash: crypto.SHA1}
	key, known := named(accepted, method.Attr("Algorithm")), true
	if digest := method.Child(dsig, "DigestMethod"); digest.Exists() {
		o.Hash, known = digests[digest.Attr("Algorithm")]
	}
	if mgf := method.Child(enc11, "MGF"); known && key == OAEP && mgf.Exists() {
		o.MGFHash, known = masks[mgf.Attr("Algorithm")]
	}
	return o, known && key != ""
}

var digests = map[string]crypto.Hash{
	dsig + "sha1":  crypto.SHA1,
	enc + "sha256": crypto.SHA256,
	"http://www.w3.org/2001/04/xmldsig-more#sha384": crypto.SHA384,
	enc + "sha512": crypto.SHA512,
}

var masks = map[string]crypto.Hash{
	enc11 + "mgf1sha1":   crypto.SHA1,
	enc11 + "mgf1sha256": crypto.SHA256,
	enc11 + "mgf1sha384": crypto.SHA384,
	enc11 + "mgf1sha512": crypto.SHA512,
}

// unwrap returns the content key, or else one made up: so the content is opened
// in any case, and the time that takes does not tell whether the key transport
// was good.
func (t transport) unwrap(key crypto.Decrypter, size int) candidate {
	content := make([]byte, size)
	rand.Read(content)
	unwrapped, err := key.Decrypt(rand.Reader, t.wrapped, &t.options)
	if err != nil || len(unwrapped) != size {
		return candidate{content, false}
	}
	return candidate{unwrapped, true}
}

// cipherValue returns the bytes of CipherData, none where they cannot be read:
// what is made of them then fails like any other.
func cipherValue(e xmlgate.Element) []byte {
	text := e.Child(enc, "CipherData").Child(enc, "CipherValue").Text()
	value, err := base64.StdEncoding.DecodeString(strings.Join(strings.Fields(text), ""))
	if err != nil {
		return nil
	}
	return value
}
