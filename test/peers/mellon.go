package peers

import (
	"net/url"
	"path/filepath"
	"testing"

	"github.com/councilid/councilid/test/servers"
)

// Mellon starts an Apache with mod_auth_mellon.
func Mellon(tb testing.TB, host string, idp []byte) *ServiceProvider {
	tb.Helper()
	addr := servers.Free(tb, host)
	base := "http://" + addr
	folder := servers.Folder(tb)
	certificate := credential(tb, folder)
	write(tb, filepath.Join(folder, "remote.xml"), idp)
	apache(tb, "mellon", "mod_auth_mellon.so", folder, addr, map[string]string{
		"Site": "mellon.conf", "Certificate": certificate,
		"Page": `subject=<!--#echo encoding="none" var="MELLON_NAME_ID" -->
name=<!--#echo encoding="none" var="MELLON_name" -->
email=<!--#echo encoding="none" var="MELLON_email" -->
`,
	}, "mellon.conf", "mellon.xml")
	return &ServiceProvider{
		Name: "mellon", EntityID: base + "/sp", Page: base + "/page.shtml", Bye: base + "/bye.shtml",
		Passive:  base + "/mellon/login?IsPassive=true&ReturnTo=" + url.QueryEscape(base+"/page.shtml"),
		SignOut:  base + "/mellon/logout?ReturnTo=" + url.QueryEscape(base+"/bye.shtml"),
		Metadata: Fetch(tb, base+"/mellon/metadata"),
	}
}
