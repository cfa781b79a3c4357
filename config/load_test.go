package config_test

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"golang.org/x/tools/txtar"

	"github.com/councilid/councilid/config"
)

// load loads the sound folder with files laid over it, and fails the test on a
// mistake.
func load(t *testing.T, files string) *config.Config {
	t.Helper()
	setTestEnv(t)
	dir, presets := writeFolder(t, parseArchive(t, "testdata/base.txtar").Files, txtar.Parse([]byte(files)).Files)
	cfg, err := config.Load(dir, presets)
	if err != nil {
		t.Fatal(err)
	}
	return cfg
}

func connector(t *testing.T, cfg *config.Config, id string) config.Connector {
	t.Helper()
	i := slices.IndexFunc(cfg.Connectors, func(c config.Connector) bool { return c.ID == id })
	if i < 0 {
		t.Fatalf("no connector %s", id)
	}
	return cfg.Connectors[i]
}

func app(t *testing.T, cfg *config.Config, id string) config.App {
	t.Helper()
	i := slices.IndexFunc(cfg.Apps, func(a config.App) bool { return a.ID == id })
	if i < 0 {
		t.Fatalf("no app %s", id)
	}
	return cfg.Apps[i]
}

func TestExample(t *testing.T) {
	setTestEnv(t)
	cfg, err := config.Load("example", os.DirFS("../connectors/presets"))
	if err != nil {
		t.Fatal(err)
	}
	if len(cfg.Warnings) > 0 {
		t.Errorf("warnings:\n%v", cfg.Warnings)
	}
	if got, want := len(cfg.Connectors), 8; got != want {
		t.Errorf("%d connectors, want %d", got, want)
	}
	if got, want := len(cfg.Apps), 3; got != want {
		t.Errorf("%d apps, want %d", got, want)
	}
}

// The operator's keys replace the preset's one by one; a list is one value.
func TestPresetMerge(t *testing.T) {
	cfg := load(t, `
-- connectors/strict.yaml --
preset: strict
client_id: councilid
oidc:
  private_key: file:keys/p256.pem
  algorithms: [RS256]
  params: {prompt: select_account}
claims: {name: claims.name}
errors: {user_cancelled: declined, locked: not_allowed}
-- connectors/api.yaml --
preset: api
label: {en: The API}
client_id: councilid
client_secret: env:SECRET
oauth2:
  calls: {emails: {unwrap: data}}
`)
	strict := connector(t, cfg, "strict")
	off := cmpopts.IgnoreFields(config.OIDC{}, "PrivateKey", "NextPrivateKey", "LoginHint")
	if diff := cmp.Diff(&config.OIDC{
		Issuer:            "https://strict.example",
		IssuerAliases:     []string{"strict.example"},
		Discovery:         "https://strict.example/.well-known/openid-configuration",
		ClientAuth:        "private_key_jwt",
		AssertionAudience: "token_endpoint",
		Algorithms:        []string{"RS256"},
		Scopes:            []string{"openid", "profile", "email"},
		Params:            map[string]string{"prompt": "select_account"},
		PKCE:              "required",
		Nonce:             "required",
		Force:             "prompt",
		IssParameter:      "https://strict.example",
		Userinfo:          "merge",
		GrantedScopes:     "any",
		ResponseMode:      "query",
		PAR:               "never",
		DPoP:              "never",
		Logout:            config.OIDCLogout{Send: "never"},
		ClockSkew:         30 * time.Second,
	}, strict.OIDC, off); diff != "" {
		t.Errorf("oidc (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{
		"email": "claims.mail", "given_name": "claims.first", "name": "claims.name",
	}, strict.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(map[string]string{"user_cancelled": "declined", "locked": "not_allowed"}, strict.Errors); diff != "" {
		t.Errorf("errors (-want +got):\n%s", diff)
	}
	api := connector(t, cfg, "api")
	if diff := cmp.Diff(map[string]config.Call{
		"emails": {URL: "https://api.example/emails", Unwrap: "data"},
		"orgs":   {URL: "https://api.example/orgs"},
	}, api.OAuth2.Calls); diff != "" {
		t.Errorf("calls (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(config.Text{"en": "The API"}, api.Label); diff != "" {
		t.Errorf("label (-want +got):\n%s", diff)
	}
}

func TestInsecureBaseURL(t *testing.T) {
	cfg := load(t, `
-- connectors/strict.yaml --
preset: strict
client_id: councilid
oidc: {private_key: "file:keys/p256.pem", endpoints: {jwks: "https://strict.example/keys?v=1"}}
insecure_base_url: http://127.0.0.1:8101/
-- connectors/tenants.yaml --
preset: tenants
client_id: councilid
client_secret: env:SECRET
oidc: {tenants: [a]}
insecure_base_url: http://127.0.0.1:8102
-- connectors/api.yaml --
preset: api
client_id: councilid
client_secret: env:SECRET
insecure_base_url: http://127.0.0.1:8103
-- connectors/national.yaml --
preset: national
saml: {logout: {page: "https://id.national.example/logout", page_return: back}}
insecure_base_url: http://127.0.0.1:8104
-- connectors/telling.yaml --
preset: telling
client_id: councilid
client_secret: env:SECRET
insecure_base_url: http://127.0.0.1:8105
-- presets/telling.yaml --
label: Telling
oidc:
  issuer: https://telling.example
  endpoints: {par: https://telling.example/par, end_session: https://telling.example/end}
  calls: {address: {url: https://telling.example/address}}
  nested:
    core: {in: claims.core, issuer: https://core.telling.example/, did: https://core.telling.example/did.json, algorithms: [ES256]}
    other: {in: claims.other, issuer: https://other.telling.example, jwks: https://other.telling.example/keys, algorithms: [ES256]}
events: {protocol: risc, issuer: https://telling.example/, jwks: https://telling.example/events, actions: {a: none}}
`)
	telling := connector(t, cfg, "telling")
	core, other := telling.OIDC.Nested["core"], telling.OIDC.Nested["other"]
	strict, tenants, api := connector(t, cfg, "strict").OIDC, connector(t, cfg, "tenants").OIDC, connector(t, cfg, "api").OAuth2
	for _, tt := range []struct{ got, want string }{
		{strict.Issuer, "http://127.0.0.1:8101/strict.example"},
		{strict.IssuerAliases[0], "strict.example"},
		{strict.Discovery, "http://127.0.0.1:8101/strict.example/.well-known/openid-configuration"},
		{strict.IssParameter, "http://127.0.0.1:8101/strict.example"},
		{strict.Endpoints.JWKS, "http://127.0.0.1:8101/strict.example/keys?v=1"},
		{tenants.Issuer, "http://127.0.0.1:8102/tenants.example/{tid}/v2.0"},
		{tenants.Discovery, "http://127.0.0.1:8102/tenants.example/common/.well-known/openid-configuration"},
		{api.Issuer, "http://127.0.0.1:8103/api.example"},
		{api.Endpoints.Token, "http://127.0.0.1:8103/api.example/token"},
		{api.Profile.URL, "http://127.0.0.1:8103/api.example/me"},
		{api.Calls["emails"].URL, "http://127.0.0.1:8103/api.example/emails"},
		{telling.OIDC.Endpoints.PAR, "http://127.0.0.1:8105/telling.example/par"},
		{telling.OIDC.Endpoints.EndSession, "http://127.0.0.1:8105/telling.example/end"},
		{telling.OIDC.Calls["address"].URL, "http://127.0.0.1:8105/telling.example/address"},
		{core.Issuer, "http://127.0.0.1:8105/core.telling.example/"},
		{core.DID, "http://127.0.0.1:8105/core.telling.example/did.json"},
		{other.JWKS, "http://127.0.0.1:8105/other.telling.example/keys"},
		{telling.Events.Issuer, "http://127.0.0.1:8105/telling.example/"},
		{telling.Events.JWKS, "http://127.0.0.1:8105/telling.example/events"},
		{connector(t, cfg, "national").SAML.Logout.Page, "http://127.0.0.1:8104/id.national.example/logout"},
	} {
		if tt.got != tt.want {
			t.Errorf("%s, want %s", tt.got, tt.want)
		}
	}
	if got, want := connector(t, cfg, "national").SAML.Metadata, "http://127.0.0.1:8104/id.national.example/metadata"; got.URL != want || got.EntityID != "https://id.national.example" {
		t.Errorf("metadata %s of %s, want %s of the same entity", got.URL, got.EntityID, want)
	}
	if got, want := len(cfg.Warnings), 5; got != want {
		t.Errorf("%d warnings, want one for each base address:\n%v", got, cfg.Warnings)
	}
}

func TestOrder(t *testing.T) {
	cfg := load(t, `
-- connectors/a.yaml --
label: A
client_id: a
client_secret: env:SECRET
oidc: {issuer: https://a.example}
-- connectors/z.yaml --
label: Z
order: 0
client_id: z
client_secret: env:SECRET
oidc: {issuer: https://z.example}
`)
	var got []string
	for _, c := range cfg.Connectors {
		got = append(got, c.ID)
	}
	if diff := cmp.Diff([]string{"z", "a", "works"}, got); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// Names of files hold wherever the broker is started.
func TestPaths(t *testing.T) {
	cfg := load(t, `
-- broker.yaml --
issuer: https://login.example.gov.uk
tls: {cert: keys/cert.pem, key: keys/p256.pem}
database: {sqlite: councilid.db}
redis: {addresses: ["redis.internal:6379"], tls: {ca: keys/cert.pem, cert: keys/cert.pem, key: keys/p256.pem}}
look: {logo: logo.svg}
mail: {smtp: smtp.internal:587, from: no-reply@example.gov.uk}
-- logo.svg --
<svg/>
-- connectors/works.yaml --
label: Works
client_id: councilid
client_secret: env:SECRET
oidc: {issuer: https://id.example.gov.uk}
network: {ca: keys/cert.pem, cert: keys/cert.pem, key: "file:keys/p256.pem"}
-- connectors/council.yaml --
label: E-mail or passkey
council: {passwords: true, breached: keys/breached, attestation: keys/cert.pem}
-- connectors/national.yaml --
label: National
saml: {metadata: {url: "https://id.national.example/metadata", entity_id: "https://id.national.example", signer: keys/good.pem}}
-- connectors/staff.yaml --
label: Staff
saml: {metadata: {file: idp.xml}}
-- apps/hall.yaml --
label: Hall
saml: {manual: {entity_id: "urn:example:hall", acs: ["https://hall.example.gov.uk/acs"], certificate: keys/good.pem}}
-- apps/planning.yaml --
label: Planning
saml: {metadata: {file: sp.xml, signer: keys/good.pem}}
-- apps/tax.yaml --
label: Council tax
oidc:
  jwks: keys/jwks.json
  redirect_uris: [https://tax.example.gov.uk/callback]
`)
	b := cfg.Broker
	for _, name := range []string{
		b.TLS.Cert, b.TLS.Key, b.Redis.TLS.CA, b.Redis.TLS.Cert, b.Redis.TLS.Key, b.Look.Logo,
		connector(t, cfg, "works").Network.CA, connector(t, cfg, "works").Network.Cert,
		connector(t, cfg, "council").Council.Breached, connector(t, cfg, "council").Council.Attestation, app(t, cfg, "tax").OIDC.JWKS,
		connector(t, cfg, "national").SAML.Metadata.Signer, connector(t, cfg, "staff").SAML.Metadata.File,
		app(t, cfg, "hall").SAML.Manual.Certificate,
		app(t, cfg, "planning").SAML.Metadata.File, app(t, cfg, "planning").SAML.Metadata.Signer,
	} {
		if _, err := os.Stat(name); err != nil {
			t.Error(err)
		}
	}
	if got, want := b.DataDir, filepath.Join(cfg.Dir, "data"); got != want {
		t.Errorf("data_dir %s, want %s", got, want)
	}
	if got, want := b.Database.SQLite, filepath.Join(cfg.Dir, "councilid.db"); got != want {
		t.Errorf("sqlite %s, want %s", got, want)
	}
}

func TestSecret(t *testing.T) {
	cfg := load(t, `
-- connectors/works.yaml --
label: Works
client_id: councilid
client_secret: env:SECRET
oidc: {issuer: https://id.example.gov.uk}
-- apps/tax.yaml --
label: Council tax
oidc:
  client_secret: file:keys/newline
  redirect_uris: [https://tax.example.gov.uk/callback]
`)
	works, tax := cfg.Connectors[0].ClientSecret, cfg.Apps[0].OIDC.ClientSecret
	if got, want := works.Reveal(), "correct horse battery staple"; got != want {
		t.Errorf("env: %q, want %q", got, want)
	}
	if got, want := tax.Reveal(), "secret"; got != want {
		t.Errorf("file: %q, want %q", got, want)
	}
	for _, format := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		if printed := fmt.Sprintf(format, cfg.Connectors); strings.Contains(printed, "horse") || strings.Contains(printed, fmt.Sprintf("%x", "horse")) {
			t.Errorf("%s prints the secret: %s", format, printed)
		}
	}
}

// What looks like a secret is blotted out of the lines that problems show.
func TestBlot(t *testing.T) {
	key := strings.Repeat("MIIEvQIBADANBgkqhkiG", 3)
	for _, line := range []string{
		"client_secret: hunter2",
		`  "client_secret" : "hunter2"`,
		"oidc: {client_secret: env:A, private_key: hunter2}",
		"password: 'hunter2",
		"passwords: true, password: hunter2",
		"network: {key: hunter2}",
		"key: hunter2.pem: hunter2",
		"CLIENT_SECRET_OLD: hunter2",
		"master_key: " + key + "hunter2",
		"  " + key + "hunter2",
	} {
		_, err := config.Load(writeBroken(t, line), fstest.MapFS{})
		problems, ok := errors.AsType[config.Problems](err)
		if !ok || len(problems) == 0 {
			t.Fatalf("%s: no problems: %v", line, err)
		}
		for _, p := range problems {
			if shown := p.String() + p.Excerpt(); strings.Contains(shown, "hunter2") {
				t.Errorf("%s: shown as %s", line, shown)
			}
		}
	}
}

// writeBroken writes a broker.yaml that is not YAML because of line.
func writeBroken(t *testing.T, line string) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "broker.yaml"), []byte(line+" [}: @\n"))
	return dir
}

// Windows writes files in its own way.
func TestWindowsText(t *testing.T) {
	setTestEnv(t)
	dir, presets := writeFolder(t, parseArchive(t, "testdata/base.txtar").Files)
	write(t, filepath.Join(dir, "connectors/works.yaml"), []byte(strings.ReplaceAll("\ufeff"+`label: Works
client_id: councilid
client_secret: env:SECRET
oidc: {issuer: https://id.example.gov.uk}
claims:
  email: >-
    claims.mail
    + clams.domain
`, "\n", "\r\n")))
	_, err := config.Load(dir, presets)
	want := `connectors/works.yaml:8:7: email: undeclared reference to 'clams'; did you mean "claims"?`
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestNotUTF8(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "broker.yaml"), []byte("issuer: \xff\n"))
	_, err := config.Load(dir, fstest.MapFS{})
	if err == nil || !strings.Contains(err.Error(), "broker.yaml: this file is not UTF-8 text") {
		t.Errorf("got %v", err)
	}
}

func TestNoFolder(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "nowhere")
	_, err := config.Load(dir, fstest.MapFS{})
	want := "broker.yaml: the file " + dir + "/broker.yaml cannot be read: no such file or directory"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestProxyPrefixes(t *testing.T) {
	b := config.Broker{Proxies: []string{"10.1.2.3/16", "192.0.2.1", "2001:db8::1"}}
	want := []netip.Prefix{
		netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::1/128"),
	}
	if diff := cmp.Diff(want, b.ProxyPrefixes(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b })); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMasterKeyBytes(t *testing.T) {
	key := []byte("0123456789abcdef0123456789abcdef")
	for _, text := range []string{fmt.Sprintf("%x", key), base64.StdEncoding.EncodeToString(key)} {
		got, err := config.Broker{MasterKey: config.NewSecret(text)}.MasterKeyBytes()
		if err != nil || string(got) != string(key) {
			t.Errorf("%s: got %x, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "00", string(key), strings.Repeat("0", 66)} {
		if _, err := (config.Broker{MasterKey: config.NewSecret(text)}).MasterKeyBytes(); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}

func TestStale(t *testing.T) {
	cfg := load(t, `
-- connectors/strict.yaml --
preset: strict
client_id: councilid
oidc: {private_key: "file:keys/p256.pem"}
`)
	if got := cfg.Stale(time.Date(2027, 8, 20, 0, 0, 0, 0, time.UTC)); len(got) > 0 {
		t.Errorf("within a year: %v", got)
	}
	want := "connectors/strict.yaml: warning: what preset strict says was last checked on 2026-08-21: see whether the provider has changed"
	if got := cfg.Stale(time.Date(2027, 8, 21, 0, 0, 0, 0, time.UTC)).Error(); got != want {
		t.Errorf("after a year: %s, want %s", got, want)
	}
}

func TestTextIn(t *testing.T) {
	text := config.Text{"": "any", "cy": "Cymraeg"}
	english := config.Text{"en": "English"}
	if got := text.In("cy") + "," + text.In("gd") + "," + english.In("gd"); got != "Cymraeg,any,English" {
		t.Error(got)
	}
}

// FuzzLoad holds Load to its word: whatever the files hold, it returns.
func FuzzLoad(f *testing.F) {
	for _, name := range must(filepath.Glob("testdata/*.txtar")) {
		for _, file := range must(txtar.ParseFile(name)).Files {
			if strings.HasSuffix(file.Name, ".yaml") {
				f.Add(file.Data)
			}
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		dir := t.TempDir()
		for _, name := range []string{"broker.yaml", "connectors/a.yaml", "apps/a.yaml"} {
			write(t, filepath.Join(dir, name), data)
		}
		write(t, filepath.Join(dir, "connectors/b.yaml"), []byte("preset: fuzzed\nclient_id: b\n"))
		_, err := config.Load(dir, fstest.MapFS{"fuzzed.yaml": &fstest.MapFile{Data: data}})
		problems, _ := errors.AsType[config.Problems](err)
		for _, p := range problems {
			_ = p.String() + p.Excerpt()
		}
	})
}
