package test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// carers is a town of two nodes in which residents may have others act for them at
// council tax and at parking.
type carers struct {
	*town.Town
	told     *audience
	database string
	tax      *town.Client
	parking  *town.Service
	mum, ann *town.Browser
}

func newCarers(t *testing.T) *carers {
	t.Helper()
	c := &carers{told: listenForLogouts(t), database: servers.Postgres(t)}
	files := map[string]string{
		"apps/tax.yaml": `
label: Council tax
delegates: true
oidc:
  client_secret: file:secret
  redirect_uris: ["{{app}}/tax/callback"]
  backchannel_logout_uri: ` + c.told.address + `/tax
  refresh: true
sector: tax
release: [sub, name, email, email_verified, birthdate]
`,
		"apps/parking.yaml": `
label: Parking
delegates: true
saml:
  metadata: {file: parking.xml}
sector: parking
release: [name]
`,
	}
	c.Town = town.Open(t, town.Options{Nodes: 2, Redis: servers.Redis(t), Postgres: c.database, Files: files})
	c.tax, c.parking = c.NewClient(t, "tax", "profile", "email", "offline_access"), c.NewService(t, "parking")
	c.mum, c.ann = c.NewBrowser(t), c.NewBrowser(t)
	c.ann.Persona = "load-1"
	return c
}

// signsIn is a whole login to council tax; of somebody who is asked for whom, for
// themself.
func (c *carers) signsIn(t *testing.T, b *town.Browser) town.Tokens {
	t.Helper()
	a := c.tax.Ask("connector_hint", "works")
	p := b.Get(a.URL)
	if !p.AtApp() {
		p = says(t, b, p, "/acting", "self")
	}
	return c.tax.Redeem(a, p)
}

var invitation = regexp.MustCompile(`id="invitation"[^>]*>([^<]+)<`)

// delegates has mum name ann, on pages of the broker's own.
func (c *carers) delegates(t *testing.T, apps ...string) {
	t.Helper()
	day := time.Now().AddDate(0, 1, 0)
	p := c.mum.Post("/my/delegates/invite", url.Values{
		"label": {"my carer"}, "app": apps, "day": {day.Format("2")}, "month": {day.Format("1")}, "year": {day.Format("2006")},
	})
	code := invitation.FindStringSubmatch(p.Body)
	if code == nil {
		t.Fatalf("there is no code: %s\n%s", p, p.Body)
	}
	p = says(t, c.ann, c.ann.Post("/my/delegates/accept", url.Values{"code": {code[1]}}), "/my/delegates/answer", "accept")
	if p.URL.Path != "/my/delegates" {
		t.Fatalf("accepting led to %s", p)
	}
}

var forWhom = regexp.MustCompile(`id="for-([a-z0-9]+)"`)

// acts answers the page that asks for whom with the only other person there is.
func acts(t *testing.T, b *town.Browser, p town.Page) town.Page {
	t.Helper()
	id := forWhom.FindStringSubmatch(p.Body)
	if id == nil {
		t.Fatalf("there is nobody to act for: %s\n%s", p, p.Body)
	}
	return says(t, b, p, "/acting", id[1])
}

// An app is told who acts, and of whom it is told: in the ID token, by userinfo, by
// introspection, after a refresh, and in SAML.
func TestActing(t *testing.T) {
	t.Parallel()
	c := newCarers(t)
	mum, ann := c.signsIn(t, c.mum), c.signsIn(t, c.ann)
	mumParks, annParks := c.parking.SignIn(c.mum, "works"), c.parking.SignIn(c.ann, "works")
	c.delegates(t, "tax", "parking")

	a := c.tax.Ask()
	p := c.ann.Get(a.URL)
	if !strings.Contains(p.Body, "For Alice Jane Morgan") {
		t.Errorf("the page does not say for whom: %s", p.Body)
	}
	tokens := c.tax.Redeem(a, acts(t, c.ann, p))
	for range 2 {
		c.isActing(t, tokens, mum.ID.Subject, ann.ID.Subject)
		tokens = c.tax.Refresh(tokens)
	}
	if info := c.tax.Userinfo(tokens); info["name"] != "Alice Jane Morgan" {
		t.Errorf("the app is told of %v", info["name"])
	}
	if tokens.Extra["sid"] == ann.Extra["sid"] {
		t.Error("the app takes both for one session")
	}
	again := c.tax.Ask("prompt", "none", "id_token_hint", tokens.Raw)
	c.isActing(t, c.tax.Redeem(again, c.ann.Get(again.URL)), mum.ID.Subject, ann.ID.Subject)

	q := c.parking.Ask(nil)
	got := c.parking.Accept(q, c.ann, acts(t, c.ann, c.ann.Get(q.URL)))
	if got.NameID != mumParks.NameID || got.Attributes["act"] != annParks.NameID.Value || got.Attributes["name"] != "Alice Jane Morgan" {
		t.Errorf("parking is told %+v", got)
	}
	if got.Session == annParks.Session || mumParks.Attributes["act"] != "" {
		t.Error("parking takes both for one session, or the principal for somebody who acts")
	}
	// Both see it; nobody else's records are the delegate's.
	for _, b := range []*town.Browser{c.mum, c.ann} {
		if page := b.Get("/my/delegates"); !strings.Contains(page.Body, "Council tax") {
			t.Errorf("somebody does not see it: %s", page)
		}
	}
	if page := c.ann.Get("/my/details"); strings.Contains(page.Body, "Alice Jane Morgan") {
		t.Error("the delegate sees the principal's details as their own")
	}
}

// isActing makes sure that an app is told everywhere of one person that another acts
// for them.
func (c *carers) isActing(t *testing.T, tokens town.Tokens, principal, delegate string) {
	t.Helper()
	_, introspected := c.tax.Call("/introspect", url.Values{"token": {tokens.AccessToken}})
	_, refreshable := c.tax.Call("/introspect", url.Values{"token": {tokens.RefreshToken}})
	said := map[string]map[string]any{"the ID token": tokens.Extra, "userinfo": c.tax.Userinfo(tokens), "introspection": introspected}
	if tokens.RefreshToken != "" {
		said["introspection of the refresh token"] = refreshable
	}
	for where, claims := range said {
		act, _ := claims["act"].(map[string]any)
		if claims["sub"] != principal || act["sub"] != delegate || principal == delegate {
			t.Errorf("%s: sub %v, act %v, want %s and %s", where, claims["sub"], act, principal, delegate)
		}
	}
}

// Either side ends it at either node: at both the app has nothing, and is told. What
// the two have of their own stays.
func TestActingEnds(t *testing.T) {
	t.Parallel()
	for side, name := range []string{"the principal", "the delegate"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newCarers(t)
			mum, ann := c.signsIn(t, c.mum), c.signsIn(t, c.ann)
			c.delegates(t, "tax")
			a := c.tax.Ask()
			acting := c.tax.Redeem(a, acts(t, c.ann, c.ann.Get(a.URL)))
			refreshed := c.tax.Refresh(acting)
			unredeemed := c.tax.Ask()
			code := acts(t, c.ann, c.ann.Get(unredeemed.URL)).Query("code")

			b := []*town.Browser{c.mum, c.ann}[side]
			c.Pin(side)
			form := b.Get("/my/delegates").Forms()
			i := slices.IndexFunc(form, func(f town.Form) bool { return f.Fields.Has("end") })
			if p := b.Post(form[i].Action, form[i].Fields); p.URL.Path != "/my/delegates" {
				t.Fatalf("ending led to %s", p)
			}
			for i := range c.Nodes {
				c.Pin(i)
				for _, dead := range []town.Tokens{acting, refreshed} {
					if status := worth(c.tax, dead); status != http.StatusUnauthorized {
						t.Errorf("node %d answers %d to a token of somebody who may not act", i, status)
					}
				}
				refusedGrant(t, c.tax, refreshing(refreshed))
				if status := worth(c.tax, mum) + worth(c.tax, ann); status != 2*http.StatusOK {
					t.Error("the tokens of one of the two died with it")
				}
			}
			c.Pin(-1)
			refusedGrant(t, c.tax, redemption(c.tax, unredeemed, code))
			if sids := c.told.sids(t, c.tax); len(sids) == 0 || slices.ContainsFunc(sids, func(sid string) bool { return sid != acting.Extra["sid"] }) {
				t.Errorf("the app was told of sessions %v", sids)
			}
			if n := count(t, c.database, `SELECT COUNT(*) FROM outbox WHERE kind = 'delegation-revoked' AND app = 'tax'`); n != 1 {
				t.Errorf("%d messages to the app", n)
			}
			a = c.tax.Ask()
			if own := c.tax.Redeem(a, c.ann.Get(a.URL)); own.ID.Subject != ann.ID.Subject || own.Extra["act"] != nil {
				t.Error("the delegate is not themself any more")
			}
		})
	}
}

// The app goes on knowing the principal, and the delegate, by what it knew them by
// before their accounts were one with another.
func TestActingUnderPinnedSubjects(t *testing.T) {
	t.Parallel()
	c := newCarers(t)
	c.signsIn(t, c.mum)
	c.signsIn(t, c.ann)
	c.delegates(t, "tax")
	d, err := db.Open(t.Context(), db.Options{Postgres: c.database})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	people := accounts.Open(d, time.Now, func(string) mapping.Assurance { return mapping.Assurance{} })
	var mum, ann string
	if err := d.QueryRow(t.Context(), `SELECT account_id, delegate_id FROM delegations`).Scan(&mum, &ann); err != nil {
		t.Fatal(err)
	}
	for account, subject := range map[string]string{mum: "legacy-mum", ann: "legacy-ann"} {
		if err := people.Pin(t.Context(), account, "tax", subject); err != nil {
			t.Fatal(err)
		}
	}
	a := c.tax.Ask()
	c.isActing(t, c.tax.Redeem(a, acts(t, c.ann, c.ann.Get(a.URL))), "legacy-mum", "legacy-ann")
}
