package peers

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/councilid/councilid/test/servers"
)

// NodeSAML starts a council app of Node.js behind @node-saml/node-saml, whose
// packages `npm ci` installs in test/js.
func NodeSAML(tb testing.TB, host string, idp []byte) *ServiceProvider {
	tb.Helper()
	program := servers.Program(tb, "node", "node")
	_, here, _, _ := runtime.Caller(0)
	js := filepath.Join(filepath.Dir(here), "..", "js")
	if _, err := os.Stat(filepath.Join(js, "node_modules")); err != nil {
		servers.Missing(tb, "node", "test/js/node_modules is not there: run npm ci in test/js")
	}
	folder, addr := servers.Folder(tb), servers.Free(tb, host)
	base := "http://" + addr
	credential(tb, folder)
	write(tb, filepath.Join(folder, "remote.xml"), idp)
	servers.Run(tb, folder, nil, servers.Listening(addr), program, filepath.Join(js, "saml.mjs"), folder, addr)
	return &ServiceProvider{
		Name: "node-saml", EntityID: base + "/sp", Page: base + "/page",
		Passive: base + "/page?passive", Forced: base + "/force", SignOut: base + "/sign-out", Bye: base + "/bye",
		Metadata: Fetch(tb, base+"/metadata"),
	}
}
