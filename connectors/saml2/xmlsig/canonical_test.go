package xmlsig

import (
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// Whoever sends a thousand elements has no memory allocated for each.
func TestCanonicalAllocatesForTheWhole(t *testing.T) {
	document := `<p:a xmlns:p="urn:p">` + strings.Repeat(`<p:b p:c="" d=""/>`, 1000) + `</p:a>`
	u, err := xmlgate.Parse([]byte(document), xmlgate.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	n := testing.AllocsPerRun(10, func() {
		if _, err := canonical(u.Tree(), nil, nil); err != nil {
			t.Fatal(err)
		}
	})
	if n > 100 {
		t.Errorf("%v allocations", n)
	}
}
