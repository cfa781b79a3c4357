package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// writeFiles writes a folder of files given by name.
func writeFiles(t *testing.T, files map[string]string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for name, text := range files {
		name = filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// soundFolder has a broker, a connector of a preset and an app.
func soundFolder() map[string]string {
	return map[string]string{
		"broker.yaml":            "issuer: http://127.0.0.1:8080\n",
		"secret":                 "correct horse battery staple\n",
		"connectors/google.yaml": "preset: google\nclient_id: councilid\nclient_secret: file:secret\n",
		"apps/council-tax.yaml": `label: Council tax
oidc:
  client_secret: file:secret
  redirect_uris: [https://tax.example.gov.uk/callback]
`,
	}
}

func TestCheck(t *testing.T) {
	misspelt := soundFolder()
	misspelt["broker.yaml"] = "issuer: http://127.0.0.1:8080\nadmin: 0.0.0.0:9443\n"
	misspelt["apps/council-tax.yaml"] = "label: Council tax\noidc:\n  client_secret: file:secret\n\n" +
		"  redirect_uri: [https://tax.example.gov.uk/callback]\n"
	beyond := soundFolder()
	beyond["apps/council-tax.yaml"] += "assurance: {identity: P2, authenticator: Cm}\n"
	for _, tt := range []struct {
		name   string
		files  map[string]string
		args   []string
		status int
		out    string
	}{
		{name: "sound", files: soundFolder(), out: "0 mistakes, 0 warnings\n"},
		{name: "misspelt", files: misspelt, status: 1, out: `apps/council-tax.yaml:5:3: unknown key "redirect_uri"; did you mean "redirect_uris"?
  redirect_uri: [https://tax.example.gov.uk/callback]
  ^
broker.yaml:2:8: warning: admin is not on loopback and has no authentication: keep everybody but operators from it
admin: 0.0.0.0:9443
       ^
1 mistake, 1 warning
`},
		{name: "beyond reach", files: beyond, status: 1, out: `apps/council-tax.yaml:5:1: assurance needs identity P2 and authenticator Cm, which no connector reaches that residents may use; google comes nearest, with authenticator Cl: its cap is authenticator Cl
assurance: {identity: P2, authenticator: Cm}
^
1 mistake, 0 warnings
`},
		{name: "argument", files: soundFolder(), args: []string{"more"}, status: 2},
		{name: "flag", files: soundFolder(), args: []string{"--colour"}, status: 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stdout, stderr strings.Builder
			args := append([]string{"check", "--config", writeFiles(t, tt.files)}, tt.args...)
			if status := execute(args, &stdout, &stderr); status != tt.status {
				t.Errorf("status %d, want %d", status, tt.status)
			}
			if diff := cmp.Diff(tt.out, stdout.String()); diff != "" {
				t.Errorf("output (-want +got):\n%s", diff)
			}
			if said := stderr.Len() > 0; said != (tt.status == 2) {
				t.Errorf("on standard error: %q", stderr.String())
			}
		})
	}
}

func TestCheckStale(t *testing.T) {
	var out strings.Builder
	if err := check(writeFiles(t, soundFolder()), time.Date(2040, 1, 1, 0, 0, 0, 0, time.UTC), &out); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.HasPrefix(got, "connectors/google.yaml: warning: what preset google says") ||
		!strings.HasSuffix(got, "\n0 mistakes, 1 warning\n") {
		t.Errorf("got %s", got)
	}
}

func TestCheckSchema(t *testing.T) {
	var stdout, stderr strings.Builder
	if status := execute([]string{"check", "--schema"}, &stdout, &stderr); status != 0 {
		t.Fatalf("status %d: %s", status, stderr.String())
	}
	if !json.Valid([]byte(stdout.String())) {
		t.Error("not JSON")
	}
}

func TestUsage(t *testing.T) {
	for args, want := range map[string]int{"": 0, "--help": 0, "chekc": 2, "check --config": 2} {
		var stdout, stderr strings.Builder
		if got := execute(strings.Fields(args), &stdout, &stderr); got != want {
			t.Errorf("councilid %s: status %d, want %d", args, got, want)
		}
		if want == 2 && strings.Count(stderr.String(), "councilid: ") != 1 {
			t.Errorf("councilid %s: the error is not said once: %q", args, stderr.String())
		}
	}
}
