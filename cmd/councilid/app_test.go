package main

import (
	"errors"
	"flag"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// TestAppAddSAML runs the command in the folder of each archive of
// testdata/app. The archive's first line is the command; after the file "out",
// what is printed, come the files that are written, each as "wrote NAME".
func TestAppAddSAML(t *testing.T) {
	names, err := filepath.Glob("testdata/app/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		t.Run(filepath.Base(name), func(t *testing.T) {
			a, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			want := txtar.Format(a)
			replay(t, a)
			got := txtar.Format(a)
			if diff := cmp.Diff(string(want), string(got)); diff != "" && !*update {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if *update {
				if err := os.WriteFile(name, got, 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// replay runs an archive's command and puts in what came of it.
func replay(t *testing.T, a *txtar.Archive) {
	t.Helper()
	dir := t.TempDir()
	had := map[string]bool{}
	for i, f := range a.Files {
		if f.Name == "out" {
			a.Files = a.Files[:i]
			break
		}
		write(t, dir, f.Name, string(f.Data))
		had[f.Name] = true
	}
	command, _, _ := strings.Cut(string(a.Comment), "\n")
	args := strings.Fields(command)[1:]
	for i := range args {
		if strings.HasSuffix(args[i], ".xml") {
			args[i] = filepath.Join(dir, args[i])
		}
	}
	var stdout, stderr strings.Builder
	execute(append(args, "--config", dir), &stdout, &stderr)
	out := strings.ReplaceAll(stdout.String()+stderr.String(), dir, "DIR")
	a.Files = append(a.Files, txtar.File{Name: "out", Data: []byte(out)})
	for _, name := range filesOf(t, dir) {
		if !had[name] && strings.HasSuffix(name, ".yaml") {
			text := strings.ReplaceAll(read(t, dir, name), dir, "DIR")
			a.Files = append(a.Files, txtar.File{Name: "wrote " + name, Data: []byte(text)})
		}
	}
}

func filesOf(t *testing.T, dir string) []string {
	t.Helper()
	var names []string
	err := filepath.WalkDir(dir, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			path, err = filepath.Rel(dir, path)
			names = append(names, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return names
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

const spMetadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="https://planning.example.gov.uk/saml">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <AssertionConsumerService index="0" Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="https://planning.example.gov.uk/acs"/>
  </SPSSODescriptor>
</EntityDescriptor>
`

// The copy is what the app gave, byte for byte, and the certificate is the one
// that signs.
func TestAppAddSAMLWithKeys(t *testing.T) {
	files := soundFolder()
	files["data/councilid.db"] = ""
	files["sp.xml"] = spMetadata
	dir := writeFiles(t, files)
	var out strings.Builder
	if status := execute([]string{"app", "add", "saml", filepath.Join(dir, "sp.xml"), "--config", dir}, &out, io.Discard); status != 0 {
		t.Fatalf("status %d: %s", status, out.String())
	}
	if got := read(t, dir, "apps/planning.xml"); got != spMetadata {
		t.Errorf("the copy is %q", got)
	}
	if !regexp.MustCompile(`certificate +SHA-256 ([0-9A-F]{2}:){31}[0-9A-F]{2}, until 20\d\d-\d\d-\d\d\n`).MatchString(out.String()) {
		t.Errorf("no fingerprint: %s", out.String())
	}
}

// A folder that is looked at elsewhere than where the broker runs gets no
// database, and so no keys that nobody uses.
func TestNoDatabaseIsMade(t *testing.T) {
	files := soundFolder()
	files["sp.xml"] = spMetadata
	dir := writeFiles(t, files)
	var out, logs strings.Builder
	execute([]string{"app", "add", "saml", filepath.Join(dir, "sp.xml"), "--config", dir}, &out, &logs)
	if status := execute([]string{"keys", "list", "--config", dir}, &out, &logs); status != 1 {
		t.Errorf("keys list: status %d", status)
	}
	if !strings.Contains(logs.String(), "there is no database here yet") {
		t.Errorf("said %s", logs.String())
	}
	if _, err := os.Stat(filepath.Join(dir, "data")); !errors.Is(err, os.ErrNotExist) {
		t.Error("there is a data folder")
	}
}

func TestAppAddSAMLFromAddress(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metadata", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, spMetadata) })
	mux.HandleFunc("GET /huge", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat(" ", 16<<20)+spMetadata)
	})
	mux.Handle("GET /away", http.RedirectHandler("http://planning.example.gov.uk/metadata", http.StatusFound))
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	for _, tt := range []struct{ source, says string }{
		{server.URL + "/metadata", "Wrote apps/planning.yaml"},
		{server.URL + "/huge", "is longer than 16 MiB"},
		{server.URL + "/none", "answers 404"},
		{server.URL + "/away", "is not https"},
		{"http://planning.example.gov.uk/metadata", "is not https"},
		{"nobody.xml", "no such file"},
	} {
		var out strings.Builder
		execute([]string{"app", "add", "saml", tt.source, "--config", writeFiles(t, soundFolder())}, &out, &out)
		if !strings.Contains(out.String(), tt.says) {
			t.Errorf("%s: does not say %q but %s", tt.source, tt.says, out.String())
		}
	}
}

func TestGuess(t *testing.T) {
	seen := map[string]bool{}
	for _, p := range products() {
		if p.name == "" || p.path == "" || p.advice == "" || seen[p.path] {
			t.Errorf("product %q is not told apart", p.name)
		}
		seen[p.path] = true
	}
}
