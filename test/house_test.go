package test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	root   = ".." // of the tree, seen from here
	module = "github.com/councilid/councilid/"
)

// kit is the SAML protocol kit: one room with a package to each part, which
// may import one another.
const kit = "connectors/saml2"

// mayImport says which packages of the house each may import. Nobody is
// missing: a new package first gets its line here.
var mayImport = map[string][]string{
	"mapping":              {},
	"config":               {"mapping"},
	kit:                    {kit},
	"connectors":           {"config", "mapping", kit},
	"connectors/simulator": {"config", "mapping", "connectors", kit},
	"broker/store":         {},
	"broker/web":           {},
	"broker/db":            {},
	"broker/keys":          {"broker/store", "broker/db"},
	"broker/accounts":      {"mapping", "broker/db"},
	"broker/login":         {"config", "mapping", "connectors", "broker/accounts", "broker/store", "broker/web"},
	"broker/mail":          {"config"},
	"broker/onetime":       {"broker/store"},
	"broker/council": {
		"config", "mapping", "connectors", "broker/mail", "broker/onetime", "broker/store", "broker/web", "broker/db",
	},
	"broker/notify": {"broker/accounts", "broker/db", "broker/mail", "broker/web"},
	"broker/resident": {
		"config", "mapping", "broker/accounts", "broker/login", "broker/mail", "broker/onetime", "broker/store", "broker/web",
	},
	"broker/op": {
		"config", "mapping", "connectors", "broker/accounts", "broker/store", "broker/web",
		"broker/login", "broker/keys", "broker/db",
	},
	"broker/idp": {
		"config", "mapping", "connectors", kit, "broker/accounts", "broker/store", "broker/web",
		"broker/login", "broker/keys",
	},
	"broker": {
		"config", "mapping", "connectors", kit, "broker/accounts", "broker/store", "broker/web", "broker/db",
		"broker/keys", "broker/login", "broker/council", "broker/op", "broker/idp", "broker/mail", "broker/notify", "broker/resident",
	},
	"cmd/councilid":      {"config", "mapping", "connectors", kit, "broker", "broker/accounts", "broker/keys", "cmd/councilid/demo"},
	"cmd/councilid/demo": {"config", "mapping", "connectors", "connectors/simulator", kit},
}

// room is where a package belongs.
func room(pkg string) string {
	if strings.HasPrefix(pkg, kit+"/") {
		return kit
	}
	return pkg
}

func TestWhoMayImportWhom(t *testing.T) {
	t.Parallel()
	found := map[string]bool{}
	for file, imports := range importsOfTree(t) {
		from := room(path.Dir(file))
		if from == "test" || strings.HasPrefix(from, "test/") {
			continue // sees the whole from outside
		}
		allowed, known := mayImport[from]
		if !known {
			t.Errorf("%s: nothing says whom %s may import", file, from)
		}
		found[from] = true
		for _, to := range imports {
			to = room(to)
			switch {
			case to == "connectors/simulator" && strings.HasPrefix(from, "broker"):
				t.Errorf("%s imports the simulator: no part of the broker may, its tests included", file)
			case !strings.HasSuffix(file, "_test.go") && !slices.Contains(allowed, to):
				t.Errorf("%s imports %s, which %s may not", file, to, from)
			}
		}
	}
	for from := range mayImport {
		if !found[from] {
			t.Errorf("%s is gone: so should its line be", from)
		}
	}
}

// importsOfTree are the packages of the house that each Go file imports.
func importsOfTree(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	err := fs.WalkDir(os.DirFS(root), ".", func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := entry.Name()
		if entry.IsDir() && file != "." && (strings.HasPrefix(name, ".") || name == "node_modules" || name == "testdata") {
			return fs.SkipDir
		}
		if entry.IsDir() || path.Ext(file) != ".go" {
			return nil
		}
		found[file], err = importsOf(filepath.Join(root, file))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func importsOf(file string) ([]string, error) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		return nil, err
	}
	var ours []string
	for _, i := range parsed.Imports {
		name, err := strconv.Unquote(i.Path.Value)
		if err != nil {
			return nil, err
		}
		if room, ok := strings.CutPrefix(name, module); ok {
			ours = append(ours, room)
		}
	}
	return ours, nil
}

// unlinked are modules that came along once with something small, and cost
// more in size and memory than it was worth.
var unlinked = []string{"google.golang.org/grpc", "github.com/grpc-ecosystem/grpc-gateway"}

func TestWhatIsNotLinked(t *testing.T) {
	t.Parallel()
	for pkg := range strings.Lines(run(t, "go", "list", "-deps", "../cmd/councilid")) {
		for _, name := range unlinked {
			if strings.HasPrefix(pkg, name) {
				t.Errorf("the program links %s", strings.TrimSpace(pkg))
			}
		}
	}
}

// The top level is small, so that people find their way.
func TestTopLevel(t *testing.T) {
	t.Parallel()
	expected := []string{
		"cmd", "broker", "connectors", "mapping", "config", "test",
		"go.mod", "go.sum", "README.md", "docker-compose.yml", "LICENSE",
	}
	gitignore, err := os.ReadFile(filepath.Join(root, ".gitignore"))
	if err != nil {
		t.Fatal(err)
	}
	ignored := strings.Fields(strings.ReplaceAll(string(gitignore), "/\n", "\n"))
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if strings.HasPrefix(name, ".") || slices.Contains(ignored, "/"+name) {
			continue
		}
		i := slices.Index(expected, name)
		if i < 0 {
			t.Errorf("%s does not belong to the top level", name)
			continue
		}
		expected = slices.Delete(expected, i, i+1)
	}
	if len(expected) > 0 {
		t.Errorf("the top level lacks %v", expected)
	}
}
