package xmlenc

import (
	"bytes"
	"crypto"
	"errors"
	"io"
	"testing"
)

// broken is a key whose every use fails, or gives a key of the wrong length.
type broken struct {
	crypto.Decrypter
	key []byte
}

func (b broken) Decrypt(io.Reader, []byte, crypto.DecrypterOpts) ([]byte, error) {
	if b.key == nil {
		return nil, errors.New("no")
	}
	return b.key, nil
}

// Where the key transport fails the content is opened all the same, with a key
// of the right size that is new each time.
func TestUnwrapGoesOn(t *testing.T) {
	for _, b := range []broken{{}, {key: make([]byte, 31)}, {key: make([]byte, 33)}} {
		first, second := transport{}.unwrap(b, 32), transport{}.unwrap(b, 32)
		if first.ours || len(first.key) != 32 || len(second.key) != 32 || bytes.Equal(first.key, second.key) {
			t.Errorf("%+v, %+v", first, second)
		}
	}
}

// The content is opened with every candidate, whichever is good.
func TestOpenAnyGoesOn(t *testing.T) {
	opened := ""
	c := contentCipher{open: func(key, sealed []byte) ([]byte, error) {
		opened += string(key)
		if string(key) == "x" {
			return nil, errors.New("padding")
		}
		return append(key, sealed...), nil
	}}
	for _, tt := range []struct {
		candidates []candidate
		opened     string
		plain      string // "" for none
	}{
		{nil, "", ""},
		{[]candidate{{[]byte("a"), true}, {[]byte("b"), true}, {[]byte("c"), false}}, "abc", "a!"},
		{[]candidate{{[]byte("a"), false}, {[]byte("b"), true}}, "ab", "b!"},
		{[]candidate{{[]byte("a"), false}, {[]byte("b"), false}}, "ab", ""},
		{[]candidate{{[]byte("x"), true}, {[]byte("b"), true}}, "xb", ""},
		{[]candidate{{[]byte("x"), false}, {[]byte("b"), true}}, "xb", "b!"},
	} {
		opened = ""
		plain, err := c.openAny(tt.candidates, []byte("!"))
		if opened != tt.opened || string(plain) != tt.plain || errors.Is(err, ErrDecryption) != (tt.plain == "") {
			t.Errorf("%+v: opened with %s: %s, %v", tt.candidates, opened, plain, err)
		}
	}
}
