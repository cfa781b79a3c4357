package mapping

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
)

// Pairwise derives the subject identifier of an account for a sector
// (OpenID Connect Core §8.1) from the account's own random key, which has at
// least 16 bytes.
//
// The key belongs to the account and not to the broker. So there is no global
// secret whose loss would link every resident across every app, nor one whose
// rotation would change every subject; the subject stays the same whichever
// connector the resident came through; and erasing an account's key erases for
// good the possibility to link what apps still hold.
//
// The result is 43 characters of base64url, within the 255 that §2 allows.
func Pairwise(key []byte, sector string) string {
	if len(key) < 16 {
		// Without a key everybody could compute everybody's subject.
		panic("mapping: pairwise key is too short")
	}
	mac := hmac.New(sha256.New, key)
	// The label keeps these apart from whatever else a key may come to derive.
	mac.Write([]byte("councilid pairwise subject\x00" + sector))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
