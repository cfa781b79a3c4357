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
		first, ours := transport{}.unwrap(b, 32)
		second, _ := transport{}.unwrap(b, 32)
		if ours || len(first) != 32 || len(second) != 32 || bytes.Equal(first, second) {
			t.Errorf("%x, %x, %t", first, second, ours)
		}
	}
}
