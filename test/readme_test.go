package test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func readme(t *testing.T) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// blocks are the code blocks of the README in a language, without the
// indentation of the list that they may stand in.
func blocks(t *testing.T, language string) []string {
	t.Helper()
	fenced := regexp.MustCompile("(?s)\n( *)```" + language + "\n(.*?)\n *```")
	var found []string
	for _, m := range fenced.FindAllStringSubmatch(readme(t), -1) {
		found = append(found, strings.ReplaceAll("\n"+m[2], "\n"+m[1], "\n")[1:]+"\n")
	}
	return found
}

// The two commands that the README begins with, and those that it names.
func TestReadmeCommands(t *testing.T) {
	t.Parallel()
	commands := blocks(t, "sh")[0]
	for _, want := range []string{"go run ./cmd/councilid demo ", "go test ./... "} {
		if !strings.Contains(commands, want) {
			t.Errorf("the README does not say %q", want)
		}
	}
	program := filepath.Join(t.TempDir(), "councilid")
	run(t, "go", "build", "-o", program, "../cmd/councilid")
	if out := run(t, program, "demo", "--check"); !strings.Contains(out, "succeeded") {
		t.Errorf("demo --check said:\n%s", out)
	}
	for _, m := range regexp.MustCompile("`councilid ([a-z]+)").FindAllStringSubmatch(readme(t), -1) {
		run(t, program, m[1], "--help")
	}
}

func run(t *testing.T, command string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), command, args...).CombinedOutput()
	if err != nil {
		t.Errorf("%s %s: %v\n%s", filepath.Base(command), strings.Join(args, " "), err, out)
	}
	return string(out)
}

// .ci/run is the one list of checks: it runs the tests as the README says.
func TestReadmeTests(t *testing.T) {
	t.Parallel()
	ci, err := os.ReadFile(filepath.Join(root, ".ci/run"))
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`(?m)^go test .*\./\.\.\.$`).Match(ci) {
		t.Error(".ci/run does not run all tests")
	}
	required := regexp.MustCompile(`COUNCILID_TEST_REQUIRE=[a-z,]+`)
	if got, want := required.FindString(string(ci)), required.FindString(readme(t)); got != want {
		t.Errorf(".ci/run sets %s, and the README says %s", got, want)
	}
}

// The five-minute set-up is written down as the README shows it, and loaded.
func TestReadmeSetUp(t *testing.T) {
	dir := t.TempDir()
	here := strings.NewReplacer("/etc/councilid", dir, "/var/lib/councilid", filepath.Join(dir, "data"))
	for _, block := range blocks(t, "yaml") {
		name, ok := strings.CutPrefix(strings.SplitN(block, "\n", 2)[0], "# ")
		if !ok {
			t.Fatalf("a block does not say which file it is: %s", block)
		}
		write(t, here.Replace(name), []byte(here.Replace(block)))
		for _, m := range regexp.MustCompile(`env:([A-Z_]+)`).FindAllStringSubmatch(block, -1) {
			t.Setenv(m[1], "correct horse battery staple")
		}
	}
	cert, key := certificate(t)
	write(t, filepath.Join(dir, "cert.pem"), cert)
	write(t, filepath.Join(dir, "key.pem"), key)
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Connectors) != 1 || len(cfg.Apps) != 1 || len(cfg.Warnings) != 0 {
		t.Errorf("%d connectors, %d apps and %v", len(cfg.Connectors), len(cfg.Apps), cfg.Warnings)
	}
}

func write(t *testing.T, file string, text []byte) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

// certificate is a certificate for an hour, and its key.
func certificate(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour), DNSNames: []string{"login.example.gov.uk"}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

// The README's table of keys is that of the structs.
func TestReadmeKeys(t *testing.T) {
	t.Parallel()
	for file, of := range map[string]struct {
		settings any
		presets  []string // keys that only presets have
	}{
		"broker.yaml":        {config.Broker{}, nil},
		"connectors/ID.yaml": {config.Connector{}, []string{"simulator", "verified"}},
		"apps/ID.yaml":       {config.App{}, nil},
	} {
		row := regexp.MustCompile("(?m)^\\| `" + regexp.QuoteMeta(file) + "` \\|(.*)\\|$").FindStringSubmatch(readme(t))
		if row == nil {
			t.Errorf("the README has no row for %s", file)
			continue
		}
		var got []string
		for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(row[1], -1) {
			got = append(got, m[1])
		}
		want := slices.DeleteFunc(keysOf(of.settings), func(key string) bool { return slices.Contains(of.presets, key) })
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-structs +README):\n%s", file, diff)
		}
	}
}

func keysOf(settings any) []string {
	var keys []string
	for _, f := range reflect.VisibleFields(reflect.TypeOf(settings)) {
		if key, _, _ := strings.Cut(f.Tag.Get("yaml"), ","); key != "-" {
			keys = append(keys, key)
		}
	}
	return keys
}

func TestReadmePaths(t *testing.T) {
	t.Parallel()
	for _, m := range regexp.MustCompile(`\]\(([^)]+)\)`).FindAllStringSubmatch(readme(t), -1) {
		if !strings.Contains(m[1], "://") && !exists(filepath.Join(root, m[1])) {
			t.Errorf("the README links to %s, which is not there", m[1])
		}
	}
	presets := regexp.MustCompile("\\*\\*Presets\\*\\*: (`[a-z`,\\s-]+`), in").FindStringSubmatch(readme(t))
	if presets == nil {
		t.Fatal("the README does not list the presets")
	}
	var want []string
	files, err := filepath.Glob(filepath.Join(root, "connectors/presets/*.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		want = append(want, strings.TrimSuffix(filepath.Base(file), ".yaml"))
	}
	got := strings.FieldsFunc(presets[1], func(r rune) bool { return strings.ContainsRune("`, \n", r) })
	slices.Sort(want) // files are in the order of their names with .yaml
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("presets (-files +README):\n%s", diff)
	}
}
