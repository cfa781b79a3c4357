package test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"math/rand/v2"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/crewjam/saml"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
	"github.com/councilid/councilid/test/servers"
	"github.com/councilid/councilid/test/town"
)

// receipts is a town in which everything is written down that reaches an app of a
// resident, to be compared with what they are shown of it.
type receipts struct {
	*town.Town
	t        *testing.T
	chance   *rand.Rand
	people   []*reader
	clients  map[string]*town.Client
	services map[string]*town.Service
}

// reader is a resident, with what they should read.
type reader struct {
	*town.Browser
	label  string
	got    map[string]*told // by app
	values map[string]bool  // of theirs that ever reached an app
	held   []holding
	names  *reader // who may act for them at council tax, nil for nobody
}

// told is what an app was told of one person, and when.
type told struct {
	claims      []string
	first, last span
	stopped     bool // and nothing since
}

// span is a time between two.
type span struct{ from, to time.Time }

func (s span) holds(at time.Time) bool {
	return !at.Before(s.from.Truncate(time.Microsecond)) && !at.After(s.to)
}

// holding are tokens that an app holds of somebody, got perhaps by another.
type holding struct {
	app    string
	of, by *reader
	town.Tokens
}

func newReceipts(t *testing.T, seed uint64) *receipts {
	t.Helper()
	files := map[string]string{
		"apps/tax.yaml": `
label: Council tax
delegates: true
oidc:
  client_secret: file:secret
  redirect_uris: ["{{app}}/tax/callback"]
  refresh: true
sector: tax
release: [sub, name, given_name, family_name, email, email_verified, birthdate, address]
`,
		"apps/rota.yaml": `
label: Staff rota
connectors: [works]
consent: ask
purpose: To plan who works when
oidc:
  client_secret: file:secret
  client_auth: client_secret_post
  redirect_uris: ["{{app}}/rota/callback"]
  refresh: true
sector: rota
release: [sub, name, email, birthdate]
`,
		// It knows residents by what they are called elsewhere, too.
		"apps/parking.yaml": `
label: Parking
saml:
  metadata: {file: parking.xml}
  nameid: {formats: [email]}
sector: parking
release: [name, email]
`,
	}
	r := &receipts{
		Town: town.Open(t, town.Options{Nodes: 2, Redis: servers.Redis(t), Postgres: servers.Postgres(t), Files: files}),
		t:    t, chance: rand.New(rand.NewPCG(seed, seed)), clients: map[string]*town.Client{}, services: map[string]*town.Service{},
	}
	for _, id := range []string{"tax", "rota", "library"} {
		r.clients[id] = r.NewClient(t, id)
	}
	for _, id := range []string{"planning", "parking"} {
		r.services[id] = r.NewService(t, id)
	}
	for _, persona := range []string{"full-record", "welsh-speaker", "screen-reader", "helper"} {
		p := &reader{Browser: r.NewBrowser(t), label: persona, got: map[string]*told{}, values: map[string]bool{}}
		p.Persona = persona
		r.people = append(r.people, p)
	}
	return r
}

// scopes that apps ask for, and further claims by name.
var (
	someScopes = []string{"profile", "email", "address", "offline_access"}
	someClaims = []string{``, `{"id_token":{"email":null}}`, `{"userinfo":{"birthdate":null}}`, `{"id_token":{"name":null},"userinfo":{"email":null}}`}
)

// some are a few of a list, in its order.
func (r *receipts) some(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(string) bool { return r.chance.IntN(2) == 0 })
}

// signsIn is a whole login of somebody to an app, in their own name or, where they
// may, in another's.
func (r *receipts) signsIn(p *reader, app string) {
	if service, ok := r.services[app]; ok {
		r.asserts(p, app, service)
		return
	}
	client := *r.clients[app]
	client.Scopes = append([]string{"openid"}, r.some(someScopes)...)
	a := client.Ask("connector_hint", "works", "claims", someClaims[r.chance.IntN(len(someClaims))])
	of, from := p, time.Now()
	page := p.Get(a.URL)
	if page.URL.Path == "/acting" {
		if principal := r.principalOf(p); r.chance.IntN(2) == 0 {
			of, page = principal, acts(r.t, p.Browser, page)
		} else {
			page = says(r.t, p.Browser, page, "/acting", "self")
		}
	}
	if page.URL.Path == "/consent" {
		page = says(r.t, p.Browser, page, "/consent", "agree")
	}
	tokens := client.Redeem(a, page)
	at := span{from, time.Now()}
	if of != p {
		r.reached(p, app, at, nil)
	}
	h := holding{app, of, p, tokens}
	r.reached(of, app, at, r.learns(h))
	p.held = append(p.held, h)
}

func (r *receipts) principalOf(p *reader) *reader {
	return r.people[slices.IndexFunc(r.people, func(other *reader) bool { return other.names == p })]
}

// asserts is signsIn to a SAML app.
func (r *receipts) asserts(p *reader, app string, service *town.Service) {
	from := time.Now()
	q := service.Ask(func(a *saml.AuthnRequest) {
		if app == "parking" {
			format := message.Email
			a.NameIDPolicy.Format = &format
		}
	})
	got := service.Accept(q, p.Browser, p.Choose(p.Get(q.URL), "works"))
	claims := mapping.Claims{}
	for name, value := range got.Attributes {
		claims[name] = value
	}
	if got.NameID.Format == message.Email {
		claims["nameid"] = got.NameID.Value
	}
	r.reached(p, app, span{from, time.Now()}, claims)
}

// learns is what the app reads of tokens that it got: in the ID token, and at
// userinfo.
func (r *receipts) learns(h holding) mapping.Claims {
	claims := mapping.Claims(r.clients[h.app].Userinfo(h.Tokens))
	maps.Copy(claims, h.Extra)
	for _, name := range []string{ // OpenID Connect Core §2, Front-Channel Logout §3: of the sign-in, not of the person
		"iss", "aud", "exp", "iat", "auth_time", "nonce", "at_hash", "acr", "amr", "act",
	} {
		delete(claims, name)
	}
	return claims
}

// reached writes down that claims of somebody reached an app, by a sign-in at a time.
func (r *receipts) reached(p *reader, app string, at span, claims mapping.Claims) {
	entry, ok := p.got[app]
	if !ok {
		entry = &told{first: at}
		p.got[app] = entry
	}
	entry.last, entry.stopped = at, false
	p.knows(app, claims)
}

// knows writes down that claims of somebody are known to an app.
func (p *reader) knows(app string, claims mapping.Claims) {
	entry := p.got[app]
	for name, value := range claims {
		for _, text := range textsIn(value) {
			p.values[text] = true
		}
		if name != "sub" && name != "sid" && !slices.Contains(entry.claims, name) {
			entry.claims = append(entry.claims, name)
		}
	}
}

// textsIn are the texts in a claim.
func textsIn(value any) []string {
	switch value := value.(type) {
	case string:
		return []string{value}
	case map[string]any:
		var all []string
		for _, member := range value {
			all = append(all, textsIn(member)...)
		}
		return all
	}
	return nil
}

// goesOn has an app use what it holds: at userinfo, or by a refresh.
func (r *receipts) goesOn(h *holding) {
	if h.RefreshToken != "" && r.chance.IntN(2) == 0 {
		h.Tokens = r.clients[h.app].Refresh(h.Tokens)
	}
	h.of.knows(h.app, r.learns(*h))
}

// stops has somebody stop sharing: what the app held of them is dead.
func (r *receipts) stops(p *reader, app string) {
	if page := p.Post("/my/services/"+app+"/stop", url.Values{}); page.URL.Path != "/my/services" {
		r.t.Fatalf("stopping led to %s", page)
	}
	p.got[app].stopped = true
	if app == "tax" {
		p.names = nil
	}
	for _, other := range r.people {
		other.held = slices.DeleteFunc(other.held, func(h holding) bool {
			over := h.app == app && h.of == p
			if over {
				if _, err := r.clients[app].Provider.UserInfo(r.t.Context(), oauth2.StaticTokenSource(h.Token)); err == nil {
					r.t.Errorf("%s: the tokens of %s live on", p.label, app)
				}
			}
			return over
		})
	}
}

// name has somebody name somebody else who may act for them.
func (r *receipts) name(principal, delegate *reader) {
	c := &carers{Town: r.Town, mum: principal.Browser, ann: delegate.Browser}
	c.delegates(r.t, "tax")
	principal.names = delegate
}

// step does something that may happen.
func (r *receipts) step() {
	p := r.people[r.chance.IntN(len(r.people))]
	switch n := r.chance.IntN(20); {
	case n < 9:
		apps := slices.Sorted(maps.Keys(r.clients))
		apps = append(apps, slices.Sorted(maps.Keys(r.services))...)
		r.signsIn(p, apps[r.chance.IntN(len(apps))])
	case n < 16:
		if len(p.held) > 0 {
			r.goesOn(&p.held[r.chance.IntN(len(p.held))])
		}
	case n < 18:
		sharing := slices.DeleteFunc(slices.Sorted(maps.Keys(p.got)), func(app string) bool { return p.got[app].stopped })
		if len(sharing) > 0 {
			r.stops(p, sharing[r.chance.IntN(len(sharing))])
		}
	case n == 18 && r.people[0].names == nil:
		r.name(r.people[0], r.people[2])
	default: // Alice Morgan's account has another name, another address and fewer claims, or not any more
		alice := r.people[0]
		alice.Persona = map[string]string{"full-record": "changed-name", "changed-name": "full-record"}[alice.Persona]
		alice.Get("/my/services")
		a := r.clients["library"].Ask("connector_hint", "works", "prompt", "login")
		from := time.Now()
		h := holding{"library", alice, alice, r.clients["library"].Redeem(a, alice.Get(a.URL))}
		r.reached(alice, "library", span{from, time.Now()}, r.learns(h))
	}
}

// What residents are shown of the services that know them, and what they download,
// equals what reached the services; and tells of nobody else.
func TestReceipts(t *testing.T) {
	t.Parallel()
	seeds := []uint64{1, uint64(time.Now().UnixNano())}
	for _, seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := newReceipts(t, seed)
			for _, p := range r.people {
				r.signsIn(p, "tax")
			}
			for range 80 {
				r.step()
			}
			for _, p := range r.people {
				r.compare(p)
			}
		})
	}
}

// compare compares what somebody is shown with what reached the apps of them, once
// all of it is written down.
func (r *receipts) compare(p *reader) {
	r.t.Helper()
	var wrong, download string
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		download = p.Post("/my/data", url.Values{}).Body
		if wrong = p.inDownload(r.t, download) + p.onPage(r.t, p.Get("/my/services")); wrong == "" {
			break
		}
	}
	if wrong != "" {
		r.t.Errorf("%s (-reached the apps +shown):\n%s", p.label, wrong)
	}
	for _, other := range r.people {
		for value := range other.values {
			text, err := json.Marshal(value)
			if err != nil {
				r.t.Fatal(err)
			}
			if long := strings.Trim(string(text), `"`); len(long) > len("1970-01-01T") {
				text = []byte(long) // which is nobody else's, nor part of a time
			}
			if !r.says(p, value) && strings.Contains(download, string(text)) {
				r.t.Errorf("the download of %s tells %q of %s", p.label, value, other.label)
			}
		}
	}
}

// says reports whether a text is part of what apps were told of somebody, or of what
// their provider says of them: two people may live in one town.
func (r *receipts) says(p *reader, text string) bool {
	contains := func(value string) bool { return strings.Contains(value, text) }
	for _, someone := range r.Providers["works"].Personas() {
		if someone.ID == p.label && slices.ContainsFunc(textsIn(map[string]any(someone.Person)), contains) {
			return true
		}
	}
	return slices.ContainsFunc(slices.Collect(maps.Keys(p.values)), contains)
}

// inDownload says what differs in the download.
func (p *reader) inDownload(t *testing.T, download string) string {
	t.Helper()
	var records struct {
		Records struct {
			Services []struct {
				App         string
				First, Last time.Time
				Released    []string
				Stopped     time.Time
			}
		}
	}
	download = strings.NewReplacer("first_used_at", "first", "last_used_at", "last", "stopped_at", "stopped").Replace(download)
	if err := json.Unmarshal([]byte(download), &records); err != nil {
		t.Fatalf("the download is no JSON: %v", err)
	}
	wrong, seen := "", map[string]bool{}
	for _, s := range records.Records.Services {
		entry := p.got[s.App]
		if entry == nil {
			wrong += "never told: " + s.App + "\n"
			continue
		}
		seen[s.App] = true
		released := slices.DeleteFunc(s.Released, func(name string) bool { return name == "sub" || name == "act" })
		wrong += cmp.Diff(slices.Sorted(slices.Values(entry.claims)), slices.Sorted(slices.Values(released)))
		if !entry.first.holds(s.First) || !entry.last.holds(s.Last) || entry.stopped != s.Stopped.After(s.Last) {
			wrong += fmt.Sprintf("%s: first %s, last %s, stopped %s; want %s to %s, %s to %s, stopped %t\n", s.App, s.First, s.Last, s.Stopped,
				entry.first.from, entry.first.to, entry.last.from, entry.last.to, entry.stopped)
		}
	}
	if len(seen) < len(p.got) {
		wrong += fmt.Sprintf("told, and not shown: %d of %d\n", len(p.got)-len(seen), len(p.got))
	}
	return wrong
}

var (
	cards = regexp.MustCompile(`(?s)id="service-([a-z]+)">(.*?)<ul class="council-actions">`)
	items = regexp.MustCompile(`<li>([^<]*)</li>`)
	days  = regexp.MustCompile(`<time datetime="([0-9-]+)`)
)

// onPage says what differs on the page of the services that know somebody.
func (p *reader) onPage(t *testing.T, page town.Page) string {
	t.Helper()
	shown, want := map[string][]string{}, map[string][]string{}
	for _, card := range cards.FindAllStringSubmatch(page.Body, -1) {
		for _, item := range items.FindAllStringSubmatch(card[2], -1) {
			shown[card[1]] = append(shown[card[1]], html.UnescapeString(item[1]))
		}
		for _, day := range days.FindAllStringSubmatch(card[2], -1) {
			shown[card[1]] = append(shown[card[1]], day[1])
		}
		slices.Sort(shown[card[1]])
	}
	for app, entry := range p.got {
		if entry.stopped {
			continue
		}
		want[app] = []string{dayOf(entry.first), dayOf(entry.last)}
		for _, claim := range entry.claims {
			if label := facetLabels(t)["resident.facet."+mapping.FacetOf(claim)]; !slices.Contains(want[app], label) {
				want[app] = append(want[app], label)
			}
		}
		slices.Sort(want[app])
	}
	return cmp.Diff(want, shown)
}

func dayOf(s span) string {
	london, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err)
	}
	return s.to.In(london).Format(time.DateOnly)
}

// facetLabels is what residents read for facets.
func facetLabels(t *testing.T) map[string]string {
	t.Helper()
	text, err := os.ReadFile(root + "/broker/web/catalogues/resident.en.json")
	if err != nil {
		t.Fatal(err)
	}
	var labels map[string]string
	if err := json.Unmarshal(text, &labels); err != nil {
		t.Fatal(err)
	}
	return labels
}
