package metadata_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/connectors/saml2/metadata"
)

func FuzzParse(f *testing.F) {
	for _, name := range []string{"adfs", "federation", "shibboleth", "keycloak"} {
		archive, err := os.ReadFile("testdata/" + name + ".txtar")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(txtar.Parse(archive).Files[0].Data)
	}
	f.Add([]byte(aggregate("", sign(f, idp("https://a.example"), federation()))))
	schemes := []string{"https:", "http:"}
	f.Fuzz(func(t *testing.T, document []byte) {
		for _, role := range []metadata.Role{metadata.IdentityProvider, metadata.ServiceProvider} {
			if e, err := metadata.Parse(document, role, "", signers(renewed()), now); err == nil {
				t.Errorf("%s is signed by a key that signs nothing", e.ID)
			}
			e, err := metadata.Parse(document, role, "", nil, now)
			if err != nil {
				continue
			}
			for _, p := range slices.Concat(e.SSO, e.ACS, e.SLO, e.Artifact) {
				if !slices.ContainsFunc(schemes, func(s string) bool { return strings.HasPrefix(strings.ToLower(p.Response()), s) }) {
					t.Errorf("location %q", p.Response())
				}
			}
		}
	})
}
