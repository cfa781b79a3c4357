// Package demo is the sample council of `councilid demo`: council apps that
// sign residents in through the broker with the libraries that a real app
// would use, and the operator's folder that goes with them.
package demo

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"html/template"
	"maps"
	"net/http"
	"slices"
	"sync"
)

//go:embed app.html app.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "app.html"))

// App is one sample council application.
type App struct {
	ID       string // as in the broker's apps folder
	Title    string
	Tagline  string
	Base     string // its own address
	Protocol string // oidc or saml
	Shortcut string // a connector offered right on the page, and its label; "" for none
	Label    string

	client client
	mu     sync.Mutex
	visits map[string]*visit // by cookie
}

// client is how an app speaks to the broker. Its methods are called with a
// visit of their own to keep what they remember in.
type client interface {
	// mount adds the addresses that the protocol needs.
	mount(mux *http.ServeMux, a *App)
	// signIn sends the browser to the broker.
	signIn(w http.ResponseWriter, r *http.Request, a *App, v *visit) error
	// signOut sends the browser to the broker to end the session that the
	// visit was signed in with.
	signOut(w http.ResponseWriter, r *http.Request, a *App, was visit) error
}

// visit is one browser at the app. The App's lock guards it.
type visit struct {
	asked   any     // what the client must remember of a sign-in under way
	session any     // what the client must remember of the broker's session
	Person  *Person // nil while nobody is signed in
	Problem string
}

// Person is who signed in, as the app sees them.
type Person struct {
	Subject string         `json:"sub"`
	Level   string         `json:"level,omitempty"` // how sure the broker is: vot, where that was asked for, or acr
	Claims  map[string]any `json:"claims"`
}

// Names are the names of the claims, sorted.
func (p Person) Names() []string { return slices.Sorted(maps.Keys(p.Claims)) }

// Name is what the app calls the person, in the words of OpenID Connect or of
// SAML; nil where it was not told.
func (p Person) Name() any {
	if name, ok := p.Claims["name"]; ok {
		return name
	}
	return p.Claims["displayName"]
}

// Handler serves the app.
func (a *App) Handler() http.Handler {
	a.visits = map[string]*visit{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /sign-in", a.signIn)
	mux.HandleFunc("POST /sign-out", a.signOut)
	mux.HandleFunc("GET /person.json", a.person)
	mux.Handle("GET /app.css", http.FileServerFS(files))
	a.client.mount(mux, a)
	return mux
}

func (a *App) home(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	a.mu.Lock()
	view := struct {
		*App
		Person  *Person
		Problem string
	}{a, v.Person, v.Problem}
	v.Problem = ""
	a.mu.Unlock()
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	if err := page.Execute(w, view); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	if err := a.client.signIn(w, r, a, v); err != nil {
		a.problem(w, r, v, err)
	}
}

// signOut ends the app's own session, then the broker's.
func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	a.mu.Lock()
	was := *v
	v.Person, v.session = nil, nil
	a.mu.Unlock()
	if err := a.client.signOut(w, r, a, was); err != nil {
		a.problem(w, r, v, err)
	}
}

// ask keeps what the client must remember until the broker answers.
func (a *App) ask(v *visit, asked any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	v.asked = asked
}

// askedBy returns what ask kept, once.
func (a *App) askedBy(v *visit) any {
	a.mu.Lock()
	defer a.mu.Unlock()
	asked := v.asked
	v.asked = nil
	return asked
}

// welcome signs the visit in, and leads on to the home page.
func (a *App) welcome(w http.ResponseWriter, r *http.Request, v *visit, p *Person, session any) {
	a.mu.Lock()
	v.Person, v.session = p, session
	a.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// forget signs out every visit of a session that the broker says is over, and
// reports whether there was one.
func (a *App) forget(over func(session any) bool) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	found := false
	for _, v := range a.visits {
		if v.Person != nil && over(v.session) {
			v.Person, v.session, found = nil, nil, true
		}
	}
	return found
}

// person shows programs who signed in.
func (a *App) person(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	a.mu.Lock()
	defer a.mu.Unlock()
	if v.Person == nil {
		http.Error(w, v.Problem, http.StatusNotFound)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(v.Person); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

func (a *App) problem(w http.ResponseWriter, r *http.Request, v *visit, err error) {
	a.mu.Lock()
	v.Problem = err.Error()
	a.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// visit finds the browser's visit by its cookie, or begins one.
func (a *App) visit(w http.ResponseWriter, r *http.Request) *visit {
	a.mu.Lock()
	defer a.mu.Unlock()
	name := a.ID // cookies ignore ports, and every demo site is on loopback
	if c, err := r.Cookie(name); err == nil && a.visits[c.Value] != nil {
		return a.visits[c.Value]
	}
	id, v := rand.Text(), &visit{}
	a.visits[id] = v
	http.SetCookie(w, &http.Cookie{Name: name, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	return v
}
