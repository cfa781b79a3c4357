package peers

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/councilid/councilid/test/servers"
)

const apacheModules = "/usr/lib/apache2/modules"

// apache starts an Apache at addr that keeps everything in folder. It reads the
// file data["Site"], one of names, which loads the module, and shows
// data["Page"].
func apache(tb testing.TB, what, module, folder, addr string, data map[string]string, names ...string) {
	tb.Helper()
	program := servers.Program(tb, what, "apache2")
	if _, err := os.Stat(filepath.Join(apacheModules, module)); err != nil {
		servers.Missing(tb, what, err.Error())
	}
	data["Addr"], data["Folder"], data["Modules"] = addr, folder, apacheModules
	settle(tb, folder, data, append(names, "apache.conf")...)
	write(tb, filepath.Join(folder, "page.shtml"), []byte(data["Page"]))
	write(tb, filepath.Join(folder, "bye.shtml"), []byte("bye\n"))
	// Lasso, below mod_auth_mellon, reads the machine's list of certification
	// authorities at each request, which takes ten times as long as the rest.
	short := []string{"SSL_CERT_FILE=" + filepath.Join(folder, "certificate.pem"), "SSL_CERT_DIR=" + folder}
	servers.Run(tb, folder, short, servers.Listening(addr), program, "-d", folder, "-f", filepath.Join(folder, "apache.conf"), "-D", "FOREGROUND")
}
