package xmlenc

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
)

// contentCipher is a content encryption algorithm at work. Both functions take
// a key of size bytes.
type contentCipher struct {
	uri  string
	size int
	seal func(key, plain []byte) ([]byte, error) // nil: decrypted only
	open func(key, sealed []byte) ([]byte, error)
}

// sealGCM returns nonce, ciphertext and tag (XML Encryption §5.2.4).
func sealGCM(key, plain []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Seal(nil, nil, plain, nil), nil
}

func openGCM(key, sealed []byte) ([]byte, error) {
	aead, err := gcm(key)
	if err != nil {
		return nil, err
	}
	return aead.Open(nil, nil, sealed, nil) // which refuses what is shorter than nonce and tag
}

// gcm has the 96-bit nonce before the ciphertext, as XML Encryption has it.
func gcm(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCMWithRandomNonce(block)
}

// sealCBC returns IV and ciphertext (XML Encryption §5.2.2), padded so that
// the last byte says by how much (§5.2.1).
func sealCBC(key, plain []byte) ([]byte, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	pad := aes.BlockSize - len(plain)%aes.BlockSize
	sealed := make([]byte, aes.BlockSize+len(plain)+pad)
	iv, padded := sealed[:aes.BlockSize], sealed[aes.BlockSize:]
	rand.Read(iv)
	copy(padded, plain)
	padded[len(padded)-1] = byte(pad)
	cipher.NewCBCEncrypter(block, iv).CryptBlocks(padded, padded)
	return sealed, nil
}

func openCBC(key, sealed []byte) ([]byte, error) {
	// An IV and at least one block, for there is always padding.
	if len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, ErrDecryption
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	pad := int(plain[len(plain)-1])
	if pad < 1 || pad > aes.BlockSize {
		return nil, ErrDecryption
	}
	return plain[:len(plain)-pad], nil
}
