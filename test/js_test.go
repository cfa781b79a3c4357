package test

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/cmd/councilid/demo"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// node runs a script of test/js, whose packages `npm ci` installs.
func node(t *testing.T, environment []string, script string, args ...string) {
	t.Helper()
	program := servers.Program(t, "node", "node")
	if _, err := os.Stat("js/node_modules"); err != nil {
		servers.Missing(t, "node", "test/js/node_modules is not there: run npm ci in test/js")
	}
	cmd := exec.CommandContext(t.Context(), program, append([]string{filepath.Join("js", script)}, args...)...)
	cmd.Env = append(os.Environ(), environment...)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, out)
	}
}

func TestOpenIDClientOfNode(t *testing.T) {
	t.Parallel()
	council := town.Open(t, town.Options{})
	node(t, nil, "client.mjs", council.Issuer, "tax", town.Secret, town.App+"/tax/callback", town.App+"/tax/bye")
}

// A resident in Chromium, by OpenID and by SAML. COUNCILID_TEST_SHOTS names a
// folder for screenshots.
func TestBrowser(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	site := openDemo(t)
	for _, tt := range []struct{ name, width, script string }{
		{"desktop", "1280", "script"},
		{"phone without JavaScript", "360", "noscript"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for script, apps := range map[string][2]string{
				"browser.mjs": {"council-tax", "library"}, "saml_browser.mjs": {"planning", "council-tax"},
			} {
				node(t, []string{"CHROMIUM=" + chromium}, script,
					site.URL(apps[0]), site.URL(apps[1]), site.URL("broker"), os.Getenv("COUNCILID_TEST_SHOTS"), tt.width, tt.script)
			}
		})
	}
}

// In a council every party is a site of its own: what one posts to another
// comes without cookies.
func TestBrowserAcrossSites(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	council := town.Open(t, town.Options{})
	openUpstream(t, council)
	for _, p := range kinds[3].open(t, council) {
		for _, script := range []string{"script", "noscript"} {
			t.Run(p.asks+" "+script, func(t *testing.T) {
				node(t, []string{"CHROMIUM=" + chromium}, "sites_browser.mjs", p.Page, p.SignOut, p.Bye, council.Issuer, script)
			})
		}
	}
}

// openDemo runs the demo's council as `councilid demo` does.
func openDemo(t *testing.T) *demo.Site {
	t.Helper()
	return openDemoWith(t, io.Discard)
}

// openDemoWith is openDemo, with mails printed on terminal.
func openDemoWith(t *testing.T, terminal io.Writer) *demo.Site {
	t.Helper()
	site, err := demo.Open(false)
	if err != nil {
		t.Fatal(err)
	}
	node, err := broker.Open(t.Context(), site.Config, slog.New(slog.DiscardHandler), io.MultiWriter(site.Letters, terminal))
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	server := &http.Server{Handler: node}
	go func() { _ = server.Serve(site.Listeners["broker"]) }()
	go site.Serve(ctx)
	var running sync.WaitGroup
	running.Go(func() { _ = node.Run(ctx) })
	t.Cleanup(func() {
		stop()
		running.Wait()
		for _, close := range []func() error{server.Close, node.Close, site.Close} {
			if err := close(); err != nil {
				t.Error(err)
			}
		}
	})
	return site
}
