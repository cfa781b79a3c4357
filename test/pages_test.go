package test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/test/mailbox"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// Every page that the broker has, in Chromium: the table is in js/pages_walks.mjs, and
// what each page is held to in js/pages_check.mjs. COUNCILID_TEST_SHOTS names a folder for
// screenshots, COUNCILID_TEST_PAGES the walks to go, all without it.
func TestEveryPage(t *testing.T) {
	t.Parallel()
	chromium := servers.Program(t, "chromium", "chromium")
	post, council := mailbox.Open(t), (*town.Town)(nil)
	outside := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/last-code":
			fmt.Fprint(w, post.LastCode(r.FormValue("to")))
		case "/delete-at-facebook":
			_, answer := tell(t, council, "facebook", simulator.Event{Kind: "deletion", Persona: r.FormValue("persona")})
			fmt.Fprint(w, answer["url"])
		default:
			w.Header().Set("Content-Type", "text/html; charset=utf-8")
			fmt.Fprint(w, `<!DOCTYPE html><html lang="en"><title>App</title><body data-page="app"><h1>App</h1>`)
		}
	}))
	t.Cleanup(outside.Close)
	council = town.Open(t, town.Options{Localhost: true, Files: folderOfPages(t, post, outside.URL)})
	node(t, []string{"CHROMIUM=" + chromium}, "pages.mjs", council.Issuer, outside.URL, council.Address("adfs"),
		strings.Join(templates(t), ","), os.Getenv("COUNCILID_TEST_SHOTS"), os.Getenv("COUNCILID_TEST_PAGES"))
}

// templates are the names of all pages.
func templates(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../broker/web/templates/*.html")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d templates, %v", len(files), err)
	}
	var names []string
	for _, file := range files {
		if name := strings.TrimSuffix(filepath.Base(file), ".html"); name != "layout" {
			names = append(names, name)
		}
	}
	return names
}

// folderOfPages is that of a council whose residents meet every page there is. What
// it calls things it says in each language, so that a page can be held to have none
// of another.
func folderOfPages(t *testing.T, post *mailbox.Server, app string) map[string]string {
	t.Helper()
	files := map[string]string{
		"broker.yaml": `
issuer: {{issuer}}
look: {council: Strathmore Council, help: "` + app + `/help", privacy: "` + app + `/privacy", accessibility: "` + app + `/accessibility"}
limits: {address: 1000000, app: 1000000}
mail: {smtp: "` + post.Address + `", tls: none, from: "Strathmore Council <no-reply@strathmore.example>"}
services:
  - label: {en: Report a hole in the road, cy: Dweud am dwll yn y ffordd, gd: Innsibh mu tholl san rathad}
    link: ` + app + `/holes
    tile: {icon: car, category: {en: Streets and waste, cy: Strydoedd a gwastraff, gd: Sràidean is sgudal}}
`,
		"connectors/email.yaml": "preset: council\ncouncil: {passwords: true}\n",
		"connectors/adfs.yaml": `
preset: adfs
label: {en: Partner councils, cy: Cynghorau partner, gd: Comhairlean eile}
saml:
  metadata: {url: "{{adfs}}/metadata", entity_id: "{{adfs}}/metadata"}
  response: {unsolicited_app: bins}
`,
		"connectors/works.yaml": `
label: {en: Staff account, cy: Cyfrif staff, gd: Cunntas luchd-obrach}
client_id: town
client_secret: file:secret
oidc: {issuer: "{{works}}"}
claims: {name: claims.name, given_name: claims.given_name, family_name: claims.family_name, birthdate: claims.birthdate, email: claims.email}
trust: {verified: [name, birthdate], email: {policy: claim}}
levels: {identity: {always: P2}}
cap: {identity: P2, authenticator: Cl}
`,
		"one-login.pem": newRSAKeyPEM(t),
		"connectors/one-login.yaml": `
preset: govuk-one-login
client_id: town
oidc: {private_key: file:one-login.pem}
insecure_base_url: {{one-login}}
`,
		"apps/tax.yaml":     "label: {en: Council tax, cy: Treth y cyngor, gd: Cìs comhairle}\nhome: " + app + "/tax\ntile: {icon: money}\n" + client(app, "tax"),
		"apps/library.yaml": "label: {en: Library, cy: Llyfrgell, gd: Leabharlann}\nhome: " + app + "/library\ntile: {icon: book}\n" + client(app, "library"),
		"apps/bins.yaml": `
label: {en: Bin collections, cy: Casglu biniau, gd: Togail bhionaichean}
purpose: {en: To know which bins are yours, cy: I wybod pa finiau yw eich rhai chi, gd: Gus fios a bhith againn dè na bionaichean agaibh}
home: ` + app + `/bins
delegates: true
tile: {icon: bin, category: {en: Streets and waste, cy: Strydoedd a gwastraff, gd: Sràidean is sgudal}}
` + client(app, "bins"),
		"apps/grants.yaml": `
label: {en: Grants, cy: Grantiau, gd: Tabhartasan}
home: ` + app + `/grants
assurance: {identity: P2, authenticator: Cm}
` + client(app, "grants"),
		"apps/gym.yaml": `
label: {en: Gym, cy: Campfa, gd: Talla-spòrs}
home: ` + app + `/gym
consent: ask
purpose: {en: To book your courts, cy: I archebu eich cyrtiau, gd: Gus na cùirtean agaibh a ghlèidheadh}
` + client(app, "gym"),
	}
	for _, name := range legacy {
		files["apps/"+name+".yaml"] = "label: {en: Old service " + name + ", cy: Hen wasanaeth " + name + ", gd: Seann sheirbheis " + name + "}\nsaml:\n  metadata: {file: " + name + ".xml}\n  start: true\nrelease: [name]\n"
		files[name+".xml"] = strings.ReplaceAll(legacyMetadata, "APP", app+"/"+name)
	}
	return files
}

// client is the part of an OpenID app that all have.
func client(app, id string) string {
	return `
oidc:
  client_secret: file:secret
  redirect_uris: ["` + app + "/" + id + `/callback"]
  post_logout_redirect_uris: ["` + app + "/" + id + `/bye"]
release: [sub, name, email, email_verified, birthdate, address]
`
}

// legacy are apps that the browser carries a sign-out to: so many that it needs a
// page in between.
var legacy = []string{"one", "two", "three", "four", "five", "six"}

const legacyMetadata = `<EntityDescriptor xmlns="urn:oasis:names:tc:SAML:2.0:metadata" entityID="APP">
  <SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol">
    <SingleLogoutService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect" Location="APP/slo"/>
    <AssertionConsumerService Binding="urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST" Location="APP/acs" index="0" isDefault="true"/>
  </SPSSODescriptor>
</EntityDescriptor>`
