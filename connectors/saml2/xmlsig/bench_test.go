package xmlsig_test

import (
	"crypto/x509"
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// crowd is alice's response with many values, the size of a large one.
func crowd(values int) string {
	value := `<saml:AttributeValue xmlns:xs="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:type="xs:string">group-%d</saml:AttributeValue>`
	var all strings.Builder
	for i := range values {
		fmt.Fprintf(&all, value, i)
	}
	return strings.Replace(alice, `</saml:Attribute>`, all.String()+`</saml:Attribute>`, 1)
}

// BenchmarkVerify lets a response through the gate and verifies it, as for
// each sign-in.
func BenchmarkVerify(b *testing.B) {
	key := ours(b)
	for _, values := range []int{20, 5000} {
		raw := []byte(sign(b, parse(b, crowd(values)).Tree(), key, xmlsig.RSASHA256))
		b.Run(fmt.Sprintf("%dKiB", len(raw)>>10), func(b *testing.B) {
			b.SetBytes(int64(len(raw)))
			for b.Loop() {
				u, err := xmlgate.Parse(raw, xmlgate.Limits{})
				if err != nil {
					b.Fatal(err)
				}
				if _, err := xmlsig.Verify(u.Element, []*x509.Certificate{key.Certificate}, xmlsig.Policy{}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkSign(b *testing.B) {
	key := ours(b)
	e := parse(b, crowd(20)).Tree()
	for b.Loop() {
		if _, err := xmlsig.Sign(e, key, xmlsig.RSASHA256); err != nil {
			b.Fatal(err)
		}
	}
}
