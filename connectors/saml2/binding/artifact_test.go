package binding_test

import (
	"crypto/sha1"
	"fmt"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/saml2/binding"
)

func TestParseArtifact(t *testing.T) {
	source := sha1.Sum([]byte("https://idp.example"))
	handle := strings.Repeat("h", 20)
	a, err := binding.ParseArtifact(base64ed("\x00\x04\x01\x02" + string(source[:]) + handle))
	if err != nil || a.Index != 258 || a.SourceID != source {
		t.Errorf("got %+v, %v", a, err)
	}
	for _, tt := range []struct{ name, artifact, want string }{
		{"nothing", "", "artifact of a wrong length"},
		{"not base64", "*", "artifact not in base64"},
		{"short", base64ed("\x00\x04\x00\x00" + string(source[:]) + handle[1:]), "artifact of a wrong length"},
		{"long", base64ed("\x00\x04\x00\x00" + string(source[:]) + handle + "x"), "artifact of a wrong length"},
		{"of SAML 1.1", base64ed("\x00\x01\x00\x00" + string(source[:]) + handle), "artifact of another type"},
	} {
		if _, err := binding.ParseArtifact(tt.artifact); fmt.Sprint(err) != tt.want {
			t.Errorf("%s: got %v, want %s", tt.name, err, tt.want)
		}
	}
}
