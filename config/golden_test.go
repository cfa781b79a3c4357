package config_test

import (
	"encoding/base64"
	"encoding/pem"
	"errors"
	"flag"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/config"
)

var update = flag.Bool("update", false, "write what is found into testdata")

// TestGolden loads folders and compares what is found in them. Each file of
// testdata is a list of cases: some files, laid over the sound folder of
// base.txtar, and the problems they lead to. The first line of a case's first
// file says what it shows.
func TestGolden(t *testing.T) {
	base := parseArchive(t, "testdata/base.txtar")
	names, err := filepath.Glob("testdata/*.txtar")
	if err != nil {
		t.Fatal(err)
	}
	setTestEnv(t)
	for _, name := range names {
		a := parseArchive(t, name)
		found := false
		var laid []txtar.File
		for i, f := range a.Files {
			if f.Name != "problems" {
				laid = append(laid, f)
				continue
			}
			t.Run(filepath.Base(name)+"/"+title(laid), func(t *testing.T) {
				got := problemsOf(t, base.Files, laid)
				if diff := cmp.Diff(string(f.Data), got); diff != "" && !*update {
					t.Errorf("problems (-want +got):\n%s", diff)
				}
				a.Files[i].Data = []byte(got)
			})
			found, laid = true, nil
		}
		if *update && found {
			if err := os.WriteFile(name, txtar.Format(a), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// problemsOf loads a folder of the given files, later ones in place of earlier
// ones, and prints what is wrong with it.
func problemsOf(t *testing.T, layers ...[]txtar.File) string {
	t.Helper()
	dir, presets := writeFolder(t, layers...)
	cfg, err := config.Load(dir, presets)
	problems, ok := errors.AsType[config.Problems](err)
	if err != nil && !ok {
		t.Fatal(err)
	}
	if err == nil {
		problems = cfg.Warnings
	}
	var b strings.Builder
	for _, p := range problems {
		b.WriteString(p.String() + "\n" + p.Excerpt())
	}
	return b.String()
}

// writeFolder lays out files; those under presets become the presets.
func writeFolder(t testing.TB, layers ...[]txtar.File) (dir string, presets fs.FS) {
	t.Helper()
	dir, embedded := t.TempDir(), fstest.MapFS{}
	writeKeys(t, dir)
	for _, files := range layers {
		for _, f := range files {
			data := withCertificates(f.Data)
			if name, ok := strings.CutPrefix(f.Name, "presets/"); ok {
				embedded[name] = &fstest.MapFile{Data: data}
				continue
			}
			write(t, filepath.Join(dir, f.Name), data)
		}
	}
	return dir, embedded
}

// withCertificates writes the certificates of keys_test.go where a file names
// them: CERTIFICATE(good.pem).
func withCertificates(text []byte) []byte {
	named := regexp.MustCompile(`CERTIFICATE\(([a-z.]+)\)`)
	return named.ReplaceAllFunc(text, func(match []byte) []byte {
		block, _ := pem.Decode(testKeys()[string(named.FindSubmatch(match)[1])])
		return []byte(base64.StdEncoding.EncodeToString(block.Bytes))
	})
}

func write(t testing.TB, name string, data []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, data, 0o600); err != nil {
		t.Fatal(err)
	}
}

func parseArchive(t *testing.T, name string) *txtar.Archive {
	t.Helper()
	a, err := txtar.ParseFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func title(files []txtar.File) string {
	if len(files) == 0 {
		return "base"
	}
	first, _, _ := strings.Cut(string(files[0].Data), "\n")
	return strings.TrimSpace(strings.TrimPrefix(first, "#"))
}
