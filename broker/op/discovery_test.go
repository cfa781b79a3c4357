package op_test

import (
	"encoding/json"
	"flag"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/go-jose/go-jose/v4"
	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write testdata anew")

func TestDiscoveryEndpointVerification(t *testing.T) {
	b := newBed(t)
	document := ""
	for _, path := range []string{"/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"} {
		got := b.get(newBrowser(t), path, nil)
		if got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != "application/json" ||
			got.Header.Get("Access-Control-Allow-Origin") != "*" || got.Header.Get("Cache-Control") != "public, max-age=3600" {
			t.Errorf("%s: status %d, headers %v", path, got.StatusCode, got.Header)
		}
		if document != "" && got.body != document {
			t.Error("the two documents differ")
		}
		document = got.body
	}
	var metadata any
	b.must(json.Unmarshal([]byte(strings.ReplaceAll(document, b.URL, "https://login.example.gov.uk")), &metadata))
	indented, err := json.MarshalIndent(metadata, "", "  ")
	b.must(err)
	const golden = "testdata/discovery.json"
	if *update {
		b.must(os.WriteFile(golden, append(indented, '\n'), 0o644))
	}
	want, err := os.ReadFile(golden)
	b.must(err)
	if diff := cmp.Diff(string(want), string(indented)+"\n"); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestKeys(t *testing.T) {
	b := newBed(t)
	got := b.get(newBrowser(t), "/jwks", nil)
	if got.Header.Get("Content-Type") != "application/json" || got.Header.Get("Access-Control-Allow-Origin") != "*" ||
		got.Header.Get("Cache-Control") != "public, max-age=3600" {
		t.Errorf("headers %v", got.Header)
	}
	set, algs, ids := decode[jose.JSONWebKeySet](t, got.body), map[string]bool{}, map[string]bool{}
	for _, key := range set.Keys {
		if !key.IsPublic() || !key.Valid() || key.Use != "sig" || key.KeyID == "" || ids[key.KeyID] {
			t.Errorf("key %q of algorithm %s", key.KeyID, key.Algorithm)
		}
		algs[key.Algorithm], ids[key.KeyID] = true, true
	}
	if !algs["RS256"] || !algs["ES256"] {
		t.Errorf("algorithms %v", algs)
	}
}

func TestServerRotateKeys(t *testing.T) {
	b := newBed(t)
	count := func() int {
		return len(decode[jose.JSONWebKeySet](t, b.get(newBrowser(t), "/jwks", nil).body).Keys)
	}
	before := count()
	b.must(b.keys.Rotate(t.Context(), "RS256"))
	if got := count(); got != before+1 {
		t.Errorf("%d keys, want %d", got, before+1)
	}
}
