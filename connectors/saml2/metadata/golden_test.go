package metadata_test

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/connectors/saml2/metadata"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// now is when the tests play.
var now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)

// TestGolden reads the documents of testdata/*.txtar in both roles:
//
//	-- document.xml --       what others wrote
//	-- signer.pem --         who must have signed it; may be missing
//	-- identity provider --  what we make of it, or the error
//	-- service provider --
//
// Run go test -update after a change; then read what was written.
func TestGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no golden files: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := txtar.Format(replay(t, txtar.Parse(want)))
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(want), string(got)); diff != "" && !*update {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// replay returns the archive with the document read anew.
func replay(t *testing.T, old *txtar.Archive) *txtar.Archive {
	archive := &txtar.Archive{Comment: old.Comment}
	var document []byte
	var signer []*x509.Certificate
	for _, f := range old.Files {
		switch f.Name {
		case "document.xml":
			document = f.Data
		case "signer.pem":
			block, _ := pem.Decode(f.Data)
			signer = []*x509.Certificate{parseCertificate(t, block.Bytes)}
		default:
			continue
		}
		archive.Files = append(archive.Files, f)
	}
	for _, role := range []metadata.Role{metadata.IdentityProvider, metadata.ServiceProvider} {
		e, err := metadata.Parse(document, role, "", signer, now)
		archive.Files = append(archive.Files, txtar.File{Name: role.String(), Data: describe(e, err)})
	}
	return archive
}

// describe prints an entity, its certificates by their subjects, or the error.
func describe(e *metadata.Entity, err error) []byte {
	var out bytes.Buffer
	if err != nil {
		fmt.Fprintln(&out, "error:", err)
		return out.Bytes()
	}
	list(&out, "ID", []string{e.ID})
	if !e.ValidUntil.IsZero() || e.CacheDuration != 0 {
		fmt.Fprintln(&out, "valid until", e.ValidUntil, "kept for", e.CacheDuration)
	}
	for _, lang := range slices.Sorted(maps.Keys(e.DisplayName)) {
		list(&out, "DisplayName", []string{lang + " " + e.DisplayName[lang]})
	}
	list(&out, "Signing", subjects(e.Signing))
	list(&out, "Encryption", subjects(e.Encryption))
	list(&out, "DataMethods", e.DataMethods)
	list(&out, "Ignored", e.Ignored)
	list(&out, "NameIDFormats", e.NameIDFormats)
	list(&out, "SSO", e.SSO)
	list(&out, "Artifact", e.Artifact)
	list(&out, "Scopes", e.Scopes)
	list(&out, "ACS", e.ACS)
	list(&out, "SLO", e.SLO)
	list(&out, "Attributes", e.Attributes)
	fmt.Fprintln(&out, "WantAuthnRequestsSigned", e.WantAuthnRequestsSigned)
	fmt.Fprintln(&out, "AuthnRequestsSigned", e.AuthnRequestsSigned)
	fmt.Fprintln(&out, "WantAssertionsSigned", e.WantAssertionsSigned)
	return out.Bytes()
}

func list[T any](out io.Writer, name string, values []T) {
	for _, v := range values {
		fmt.Fprintf(out, "%s %+v\n", name, v)
	}
}

func subjects(certificates []*x509.Certificate) []string {
	var all []string
	for _, c := range certificates {
		all = append(all, c.Subject.CommonName)
	}
	return all
}

func parseCertificate(tb testing.TB, der []byte) *x509.Certificate {
	tb.Helper()
	c, err := x509.ParseCertificate(der)
	if err != nil {
		tb.Fatal(err)
	}
	return c
}
