package xmlenc_test

import (
	"bytes"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlenc"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

const (
	enc    = "http://www.w3.org/2001/04/xmlenc#"
	enc11  = "http://www.w3.org/2009/xmlenc11#"
	dsig   = "http://www.w3.org/2000/09/xmldsig#"
	sha384 = "http://www.w3.org/2001/04/xmldsig-more#sha384"
)

// crafted is an EncryptedAssertion in the making: what others write, and what
// an attacker does.
type crafted struct {
	algorithm string
	sealed    []byte
	within    []craftedKey // in KeyInfo
	beside    []craftedKey // beside EncryptedData
}

type craftedKey struct {
	algorithm, digest, mgf string
	wrapped                []byte
}

func (c crafted) String() string {
	var within, beside strings.Builder
	for _, k := range c.within {
		within.WriteString(k.String())
	}
	for _, k := range c.beside {
		beside.WriteString(k.String())
	}
	return fmt.Sprintf(`<x:EncryptedData xmlns:x="%s" Type="http://www.w3.org/2001/04/xmlenc#Element"><x:EncryptionMethod Algorithm="%s"/><KeyInfo xmlns="%s">%s`+
		`<RetrievalMethod URI="#elsewhere"/></KeyInfo>`+
		`<x:CipherData><x:CipherValue>%s</x:CipherValue></x:CipherData></x:EncryptedData>%s`,
		enc, c.algorithm, dsig, &within, base64.StdEncoding.EncodeToString(c.sealed), &beside)
}

func (k craftedKey) String() string {
	var hashes string
	if k.digest != "" {
		hashes += fmt.Sprintf(`<DigestMethod xmlns="%s" Algorithm="%s"/>`, dsig, k.digest)
	}
	if k.mgf != "" {
		hashes += fmt.Sprintf(`<MGF xmlns="%s" Algorithm="%s"/>`, enc11, k.mgf)
	}
	return fmt.Sprintf(`<EncryptedKey xmlns="%s"><EncryptionMethod Algorithm="%s">%s</EncryptionMethod>`+
		`<CipherData><CipherValue>%s</CipherValue></CipherData></EncryptedKey>`,
		enc, k.algorithm, hashes, base64.StdEncoding.EncodeToString(k.wrapped))
}

// Content keys that everybody knows.
var (
	key16 = []byte("0123456789abcdef")
	key32 = []byte("0123456789abcdef0123456789abcdef")
)

func wrapped(tb testing.TB, to *rsa.PrivateKey, content []byte, digest, mgf crypto.Hash) []byte {
	tb.Helper()
	out, err := rsa.EncryptOAEPWithOptions(rand.Reader, &to.PublicKey, content, &rsa.OAEPOptions{Hash: digest, MGFHash: mgf})
	if err != nil {
		tb.Fatal(err)
	}
	return out
}

// sealGCM is AES-GCM by hand: nonce, ciphertext, tag.
func sealGCM(tb testing.TB, key []byte) []byte {
	tb.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		tb.Fatal(err)
	}
	nonce := []byte("twelve bytes")
	return aead.Seal(nonce, nonce, []byte(assertion), nil)
}

// sealCBC encrypts blocks as they are, padding included, under an IV of zeros.
func sealCBC(tb testing.TB, key []byte, padded string) []byte {
	tb.Helper()
	block, err := aes.NewCipher(key)
	if err != nil {
		tb.Fatal(err)
	}
	out := append(make([]byte, aes.BlockSize), padded...)
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], out[aes.BlockSize:])
	return out
}

// good is a crafted element that decrypts.
func good(tb testing.TB) crafted {
	tb.Helper()
	return crafted{
		algorithm: enc11 + "aes128-gcm",
		sealed:    sealGCM(tb, key16),
		within: []craftedKey{{
			algorithm: enc + "rsa-oaep-mgf1p", digest: dsig + "sha1",
			wrapped: wrapped(tb, ours(), key16, crypto.SHA1, crypto.SHA1),
		}},
	}
}

func TestDecryptWhatOthersWrite(t *testing.T) {
	key := func(algorithm, digest, mgf string, h, m crypto.Hash) func(*crafted) {
		return func(c *crafted) {
			c.within = []craftedKey{{enc11 + algorithm, digest, mgf, wrapped(t, ours(), key16, h, m)}}
		}
	}
	foreign := craftedKey{
		algorithm: enc + "rsa-oaep-mgf1p", digest: dsig + "sha1",
		wrapped: wrapped(t, another(), key16, crypto.SHA1, crypto.SHA1),
	}
	for name, change := range map[string]func(*crafted){
		"as it is": func(*crafted) {},
		"the key beside the data": func(c *crafted) {
			c.within, c.beside = nil, c.within
		},
		"two keys, ours last": func(c *crafted) {
			c.within, c.beside = []craftedKey{foreign}, c.within
		},
		"another's key in a forbidden algorithm": func(c *crafted) {
			c.within = append([]craftedKey{{algorithm: enc + "rsa-1_5", wrapped: foreign.wrapped}}, c.within...)
		},
		"mgf1p without DigestMethod": func(c *crafted) {
			c.within[0].digest = ""
		},
		"mgf1p with SHA-256 as digest": func(c *crafted) {
			c.within[0].digest = enc + "sha256"
			c.within[0].wrapped = wrapped(t, ours(), key16, crypto.SHA256, crypto.SHA1)
		},
		"mgf1p with an MGF, which it does not have": func(c *crafted) {
			c.within[0].mgf = enc11 + "mgf1sha256"
		},
		"rsa-oaep without hashes":       key("rsa-oaep", "", "", crypto.SHA1, crypto.SHA1),
		"rsa-oaep, SHA-256 and default": key("rsa-oaep", enc+"sha256", "", crypto.SHA256, crypto.SHA1),
		"rsa-oaep, default and SHA-256": key("rsa-oaep", "", enc11+"mgf1sha256", crypto.SHA1, crypto.SHA256),
		"rsa-oaep, SHA-256 twice":       key("rsa-oaep", enc+"sha256", enc11+"mgf1sha256", crypto.SHA256, crypto.SHA256),
		"rsa-oaep, SHA-384 and SHA-1":   key("rsa-oaep", sha384, enc11+"mgf1sha1", crypto.SHA384, crypto.SHA1),
		"rsa-oaep, SHA-512 and SHA-384": key("rsa-oaep", enc+"sha512", enc11+"mgf1sha384", crypto.SHA512, crypto.SHA384),
		"rsa-oaep, SHA-1 and SHA-512":   key("rsa-oaep", dsig+"sha1", enc11+"mgf1sha512", crypto.SHA1, crypto.SHA512),
		"CBC with bytes of any value as padding": func(c *crafted) {
			c.algorithm = enc + "aes128-cbc"
			pad := 16 - len(assertion)%16
			c.sealed = sealCBC(t, key16, assertion+strings.Repeat("~", pad-1)+string(rune(pad)))
		},
	} {
		c := good(t)
		change(&c)
		got, err := xmlenc.Decrypt(wrap(t, c.String()), []crypto.Decrypter{another(), ours()}, everything)
		if err != nil || string(got) != assertion {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// Whatever fails from the key transport on fails with the same words.
func TestDecryptFailsNeutrally(t *testing.T) {
	cbc := func(sealed []byte) func(*crafted) {
		return func(c *crafted) { c.algorithm, c.sealed = enc+"aes128-cbc", sealed }
	}
	gcm := func(sealed []byte) func(*crafted) {
		return func(c *crafted) { c.sealed = sealed }
	}
	for name, change := range map[string]func(*crafted){
		"CBC of 0 bytes":                        cbc(nil),
		"CBC of 16 bytes, an IV alone":          cbc(make([]byte, 16)),
		"CBC of 33 bytes":                       cbc(make([]byte, 33)),
		"CBC with padding of 0":                 cbc(sealCBC(t, key16, strings.Repeat("a", 15)+"\x00")),
		"CBC with padding of 17":                cbc(sealCBC(t, key16, strings.Repeat("a", 31)+"\x11")),
		"GCM of 0 bytes":                        gcm(nil),
		"GCM of 3 bytes":                        gcm(make([]byte, 3)),
		"GCM of 12 bytes, a nonce alone":        gcm(make([]byte, 12)),
		"GCM of 27 bytes, one too few":          gcm(make([]byte, 27)),
		"GCM with a tag that does not fit":      func(c *crafted) { c.sealed[len(c.sealed)-1] ^= 1 },
		"GCM read as CBC":                       func(c *crafted) { c.algorithm, c.sealed = enc+"aes128-cbc", c.sealed[:33] },
		"truncated key":                         func(c *crafted) { c.within[0].wrapped = c.within[0].wrapped[:255] },
		"no key":                                func(c *crafted) { c.within[0].wrapped = nil },
		"key too long":                          func(c *crafted) { c.within[0].wrapped = append(c.within[0].wrapped, 0) },
		"another's key":                         func(c *crafted) { c.within[0].wrapped = wrapped(t, another(), key16, crypto.SHA1, crypto.SHA1) },
		"content key too long for its cipher":   func(c *crafted) { c.within[0].wrapped = wrapped(t, ours(), key32, crypto.SHA1, crypto.SHA1) },
		"content key too short for its cipher":  func(c *crafted) { c.within[0].wrapped = wrapped(t, ours(), key16[:8], crypto.SHA1, crypto.SHA1) },
		"wrong digest":                          func(c *crafted) { c.within[0].digest = enc + "sha256" },
		"wrong MGF":                             func(c *crafted) { c.within[0].algorithm, c.within[0].mgf = enc11+"rsa-oaep", enc11+"mgf1sha256" },
		"several keys of others":                func(c *crafted) { c.beside = append(c.beside, c.within[0]); c.sealed = sealGCM(t, key32[8:24]) },
		"PKCS#1 v1.5 called OAEP":               func(c *crafted) { c.within[0].wrapped = pkcs1(t) },
		"a content key that decrypts otherwise": func(c *crafted) { c.sealed = sealGCM(t, []byte("fedcba9876543210")) },
	} {
		c := good(t)
		change(&c)
		got, err := xmlenc.Decrypt(wrap(t, c.String()), []crypto.Decrypter{ours()}, everything)
		if got != nil || !errors.Is(err, xmlenc.ErrDecryption) || err.Error() != xmlenc.ErrDecryption.Error() {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// pkcs1 wraps the content key by RSA PKCS#1 v1.5 (RFC 8017 §7.2.1), which
// crypto/rsa would rather not.
func pkcs1(tb testing.TB) []byte {
	tb.Helper()
	public := ours().PublicKey
	padded := bytes.Repeat([]byte{0xff}, public.Size())
	copy(padded, []byte{0, 2})
	copy(padded[len(padded)-len(key16)-1:], append([]byte{0}, key16...))
	c := new(big.Int).Exp(new(big.Int).SetBytes(padded), big.NewInt(int64(public.E)), public.N)
	return c.FillBytes(make([]byte, public.Size()))
}

func TestCipherValue(t *testing.T) {
	text := good(t).String()
	indented := strings.ReplaceAll(text, "</CipherValue>", "\n\t  </CipherValue>")
	i := strings.LastIndex(indented, "<x:CipherValue>") + len("<x:CipherValue>")
	indented = indented[:i] + "\r\n\t  " + indented[i:i+7] + "\n\t  " + indented[i+7:]
	if got, err := xmlenc.Decrypt(wrap(t, indented), []crypto.Decrypter{ours()}, everything); err != nil || string(got) != assertion {
		t.Errorf("indented: %q, %v", got, err)
	}
	broken := strings.Replace(text, "</x:CipherValue>", "!</x:CipherValue>", 1)
	if _, err := xmlenc.Decrypt(wrap(t, broken), []crypto.Decrypter{ours()}, everything); !errors.Is(err, xmlenc.ErrDecryption) {
		t.Errorf("not base64: %v", err)
	}
}

// What is not accepted is refused before a key is touched, and said.
func TestDecryptRefuses(t *testing.T) {
	untouched := []crypto.Decrypter{hsm{nil}} // would panic
	many := good(t)
	for range 2 {
		many.beside = append(many.beside, many.within[0])
	}
	key := func(k craftedKey) string {
		c := good(t)
		c.within = []craftedKey{k}
		return c.String()
	}
	cbc := good(t)
	cbc.algorithm = enc + "aes128-cbc"
	des := good(t)
	des.algorithm = enc + "tripledes-cbc"
	for _, c := range []struct {
		text   string
		policy xmlenc.Policy
		want   string
	}{
		{"", xmlenc.Policy{}, "one EncryptedData"},
		{good(t).String() + good(t).String(), xmlenc.Policy{}, "one EncryptedData"},
		{cbc.String(), xmlenc.Policy{}, "content encryption aes128-cbc is not accepted"},
		{good(t).String(), xmlenc.Policy{Data: []xmlenc.Data{xmlenc.AES256GCM}}, "content encryption aes128-gcm is not accepted"},
		{good(t).String(), xmlenc.Policy{Data: []xmlenc.Data{"aes128gcm"}}, "content encryption aes128-gcm is not accepted"},
		{des.String(), everything, "content encryption is not known"},
		{strings.Replace(good(t).String(), " Algorithm=", " Was=", 1), everything, "content encryption is not known"},
		{strings.Replace(good(t).String(), " Algorithm=", " Was=", 1), xmlenc.Policy{Data: []xmlenc.Data{"none"}}, "content encryption is not known"},
		{good(t).String(), xmlenc.Policy{Key: []xmlenc.Key{xmlenc.OAEP}}, "no EncryptedKey with an accepted key transport"},
		{key(craftedKey{algorithm: enc + "rsa-1_5", wrapped: pkcs1(t)}), everything, "no EncryptedKey"},
		{key(craftedKey{algorithm: enc + "rsa-1_5", wrapped: pkcs1(t)}), xmlenc.Policy{Key: []xmlenc.Key{"rsa-1_5"}}, "no EncryptedKey"},
		{key(craftedKey{algorithm: "", wrapped: pkcs1(t)}), xmlenc.Policy{Key: []xmlenc.Key{"rsa-1_5"}}, "no EncryptedKey"},
		{key(craftedKey{algorithm: enc + "rsa-oaep-mgf1p", digest: dsig + "md5"}), everything, "no EncryptedKey"},
		{key(craftedKey{algorithm: enc11 + "rsa-oaep", mgf: enc11 + "mgf1md5"}), everything, "no EncryptedKey"},
		{crafted{algorithm: enc11 + "aes128-gcm"}.String(), everything, "no EncryptedKey"},
		{many.String(), everything, "more than 2 EncryptedKeys"},
	} {
		got, err := xmlenc.Decrypt(wrap(t, c.text), untouched, c.policy)
		if got != nil || err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.300s\n%q, %v, want %q", c.text, got, err, c.want)
		}
	}
}

// In CBC mode a made-up key gives padding that looks right every sixteenth
// time: it must not pass for a plaintext.
func TestMadeUpKeyIsNeverBelieved(t *testing.T) {
	c := good(t)
	c.algorithm, c.sealed = enc+"aes128-cbc", make([]byte, 32)
	c.within[0].wrapped = []byte("no key")
	e := wrap(t, c.String())
	for range 200 {
		if got, err := xmlenc.Decrypt(e, []crypto.Decrypter{ours()}, everything); got != nil || !errors.Is(err, xmlenc.ErrDecryption) {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func FuzzDecrypt(f *testing.F) {
	seed := good(f)
	f.Add(seed.String())
	seed.algorithm = enc + "aes128-cbc"
	f.Add(seed.String())
	seed.sealed = sealCBC(f, key16, strings.Repeat("a", 15)+"\x01")
	seed.within, seed.beside = nil, seed.within
	f.Add(seed.String())
	seed.beside[0].algorithm, seed.beside[0].mgf = enc11+"rsa-oaep", enc11+"mgf1sha256"
	f.Add(seed.String())
	f.Add(encrypt(f, xmlenc.AES256CBC, xmlenc.OAEP))
	f.Fuzz(func(t *testing.T, inner string) {
		u, err := xmlgate.Parse([]byte("<a>"+inner+"</a>"), xmlgate.Limits{})
		if err != nil {
			return
		}
		plain, err := xmlenc.Decrypt(u.Element, []crypto.Decrypter{ours()}, everything)
		if (plain == nil) == (err == nil) && len(plain) > 0 {
			t.Errorf("%q, %v", plain, err)
		}
	})
}
