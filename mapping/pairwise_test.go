package mapping_test

import (
	"bytes"
	"testing"

	"github.com/councilid/councilid/mapping"
)

func TestPairwise(t *testing.T) {
	key, other := bytes.Repeat([]byte{1}, 32), bytes.Repeat([]byte{2}, 32)
	subject := mapping.Pairwise(key, "tax.example.gov.uk")

	// Apps keep subjects for good: this value must never change. It was
	// computed with openssl:
	//
	//	printf 'councilid pairwise subject\0tax.example.gov.uk' |
	//	openssl dgst -sha256 -mac HMAC -macopt hexkey:$(printf '01%.0s' $(seq 32)) -binary | basenc --base64url
	const want = "lzz4M_OV3IxSnJxPyTpj0Zgf4CXLcBBAplUoGcz39Gg"
	if subject != want {
		t.Errorf("got %s, want %s", subject, want)
	}
	if again := mapping.Pairwise(key, "tax.example.gov.uk"); again != subject {
		t.Errorf("got %s the second time", again)
	}
	if mapping.Pairwise(key, "parking.example.gov.uk") == subject {
		t.Error("two sectors share a subject")
	}
	if mapping.Pairwise(other, "tax.example.gov.uk") == subject {
		t.Error("two accounts share a subject")
	}
}

// With no key, anybody could compute anybody's subject.
func TestPairwiseNeedsAKey(t *testing.T) {
	for _, key := range [][]byte{nil, {}, make([]byte, 15)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a key of %d bytes was taken", len(key))
				}
			}()
			mapping.Pairwise(key, "tax.example.gov.uk")
		}()
	}
}
