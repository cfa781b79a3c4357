package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// front is the front end of a protocol without a wire: an app's request is an
// address of this server, and what it gets is noted.
type front struct {
	flow *login.Flow // any node's: it keeps what is issued in the store they share

	mu      sync.Mutex
	ways    map[string]way // of telling apps; the zero way is none
	told    []string       // apps, in the order in which they were told
	revoked []string       // apps
	asked   map[string]string
	left    []login.Receipt
	sid     string        // of the last session that something was issued in
	session login.Session // which is this
	counts  map[string]int
	request login.Request // what GET /ask asks for

	withheld  []string // claims that no app gets
	lasting   bool     // apps may go on while the resident is away
	withdrawn []login.Withdrawal

	meanwhile func() // what happens, once, while an app is answered
}

// way is how an app can be told of a sign-out.
type way struct {
	tell   func(context.Context) (bool, error)
	ask    string // the address that it is asked at; "" for none
	posted bool
	err    error // of Ask
}

func newFront() *front {
	return &front{ways: map[string]way{}, asked: map[string]string{}, counts: map[string]int{}}
}

func (f *front) mount(mux *http.ServeMux, flow *login.Flow) {
	f.flow = flow
	handle := func(pattern string, h web.Handler) { mux.Handle(pattern, flow.Site.Handle(h)) }
	handle("GET /ask/{app}", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Begin(w, r, login.Request{Protocol: "test", App: r.PathValue("app"), Connector: r.FormValue("by"), Force: r.Form.Has("force"), Reply: json.RawMessage(`{}`)})
	})
	handle("GET /ask", func(w http.ResponseWriter, r *http.Request) error { return flow.Begin(w, r, f.request) })
	mountOwn(handle, flow)
	handle("GET /leave/{app}", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Leave(w, r, login.Leaving{Protocol: "test", App: r.PathValue("app"), Reply: json.RawMessage(`{}`), Certain: r.FormValue("certain") != ""})
	})
	handle("GET /answered", func(w http.ResponseWriter, r *http.Request) error {
		return flow.Answered(w, r, login.Party{Protocol: "test", App: r.FormValue("app")}, r.FormValue("id"), r.Form.Has("done"))
	})
}

func (f *front) observe(who, outcome string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.counts[who+" "+outcome]++
}

func (f *front) count(what string) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.counts[what]
}

func (f *front) Issue(w http.ResponseWriter, r *http.Request, req login.Request, s login.Session, b *store.Batch) error {
	f.mu.Lock()
	f.sid, f.session = s.SID, s
	meanwhile := f.meanwhile
	f.meanwhile = nil
	f.mu.Unlock()
	if meanwhile != nil {
		meanwhile()
	}
	detail, _ := json.Marshal(s.SID)
	f.flow.Used(b, s, login.Use{Protocol: "test", App: req.App, Tag: store.NewHandle().Tag, Detail: detail}, nil, time.Hour)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "https://"+req.App+".example/in?person="+s.Said.Claims.Text("name"), http.StatusSeeOther)
	return nil
}

func (f *front) Refuse(w http.ResponseWriter, r *http.Request, req login.Request, why login.Refusal) error {
	http.Redirect(w, r, "https://"+req.App+".example/refused?why="+string(why), http.StatusSeeOther)
	return nil
}

// Shares is what the provider says, of which the app gets what was registered.
func (f *front) Shares(req login.Request, s login.Session) (login.Sharing, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	shares := login.Sharing{Claims: mapping.Claims{}, Lasting: f.lasting}
	for name, value := range s.Known().Claims {
		if !slices.Contains(f.withheld, name) {
			shares.Claims[name] = value
		}
	}
	return shares, nil
}

func (f *front) Withdraw(_ context.Context, what login.Withdrawal) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.withdrawn = append(f.withdrawn, what)
	return nil
}

func (f *front) End(_ *store.Batch, u login.Use) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.revoked = append(f.revoked, u.App)
}

func (f *front) way(app string) way {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.ways[app]
}

func (f *front) Tell(ctx context.Context, u login.Use) (bool, error) {
	tell := f.way(u.App).tell
	if tell == nil {
		return false, nil
	}
	f.mu.Lock()
	f.told = append(f.told, u.App)
	f.mu.Unlock()
	return tell(ctx)
}

func (f *front) Ask(_ context.Context, u login.Use, id string) (connectors.Redirect, error) {
	way := f.way(u.App)
	if way.err != nil || way.ask == "" {
		return connectors.Redirect{}, way.err
	}
	f.mu.Lock()
	f.asked[u.App] = id
	f.mu.Unlock()
	if way.posted {
		return connectors.Redirect{URL: way.ask, Form: map[string]string{"id": id}}, nil
	}
	return connectors.Redirect{URL: way.ask + "?id=" + id}, nil
}

func (f *front) Left(w http.ResponseWriter, r *http.Request, l login.Leaving, done login.Receipt) error {
	f.mu.Lock()
	f.left = append(f.left, done)
	f.mu.Unlock()
	http.Redirect(w, r, "https://"+l.App+".example/left", http.StatusSeeOther)
	return nil
}

// Ways of telling an app from server to server.
func obeys(context.Context) (bool, error) { return true, nil }
func fails(context.Context) (bool, error) { return true, errors.New("status 500") }

// issued is the session that something was issued in last.
func (f *front) issued() login.Session {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.session
}

// ends are the apps of which something was revoked.
func (f *front) ends() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.revoked)
}

// toldApps are the apps that were told, in that order.
func (f *front) toldApps() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.told)
}

// question is the id of the question that the app was asked last.
func (f *front) question(app string) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.asked[app]
}

func (f *front) tell(app string, w way) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.ways[app] = w
}
