package peers

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/councilid/councilid/test/servers"
)

// Shibboleth starts shibd, and an Apache with mod_shib.
func Shibboleth(tb testing.TB, host string, idp []byte) *ServiceProvider {
	tb.Helper()
	shibd := servers.Program(tb, "shibboleth", "shibd")
	addr := servers.Free(tb, host)
	base := "http://" + addr
	folder, data := servers.Folder(tb), map[string]string{
		"Site": "shib.conf", "Addr": addr, "IdP": entityID(tb, idp),
		"Page": `subject=<!--#echo encoding="none" var="subject" -->
name=<!--#echo encoding="none" var="name" -->
email=<!--#echo encoding="none" var="email" -->
`,
	}
	daemon := servers.Folder(tb)
	data["Daemon"] = daemon
	credential(tb, daemon)
	write(tb, filepath.Join(daemon, "remote.xml"), idp)
	settle(tb, daemon, data, "shibboleth2.xml", "attribute-map.xml", "shibd.logger", "native.logger")
	socket := filepath.Join(daemon, "shibd.sock")
	// It is not asked whether it answers: of connections that say nothing at
	// this moment it sometimes dies.
	listens := func() error { _, err := os.Stat(socket); return err }
	servers.Run(tb, daemon, nil, listens, shibd, "-F", "-f", "-c", filepath.Join(daemon, "shibboleth2.xml"), "-p", filepath.Join(daemon, "shibd.pid"))
	apache(tb, "shibboleth", "mod_shib.so", folder, addr, data, "shib.conf")
	return &ServiceProvider{
		Name: "shibboleth", EntityID: base + "/sp", Page: base + "/page.shtml", Bye: base + "/bye.shtml",
		Passive:  base + "/Shibboleth.sso/Login?isPassive=true&target=" + url.QueryEscape(base+"/page.shtml"),
		Forced:   base + "/Shibboleth.sso/Login?forceAuthn=true&target=" + url.QueryEscape(base+"/page.shtml"),
		SignOut:  base + "/Shibboleth.sso/Logout?return=" + url.QueryEscape(base+"/bye.shtml"),
		Metadata: Fetch(tb, base+"/Shibboleth.sso/Metadata"),
	}
}

// entityID is whom a metadata document describes.
func entityID(tb testing.TB, metadata []byte) string {
	tb.Helper()
	found := regexp.MustCompile(`entityID="([^"]*)"`).FindSubmatch(metadata)
	if found == nil {
		tb.Fatal("the metadata names no entity")
	}
	return string(found[1])
}
