// Package demo is the sample council of `councilid demo`: two council apps
// that sign residents in through the broker with the libraries that a real
// app would use, and the operator's folder that goes with them.
package demo

import (
	"context"
	"crypto/rand"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"html/template"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

//go:embed app.html app.css
var files embed.FS

var page = template.Must(template.ParseFS(files, "app.html"))

// App is one sample council application: an OpenID Connect client.
type App struct {
	ID       string // as in the broker's apps folder
	Title    string
	Tagline  string
	Base     string // its own address
	Issuer   string // the broker
	Secret   string
	Scopes   []string
	Shortcut string // a connector offered right on the page, and its label
	Label    string

	mu       sync.Mutex
	provider *oidc.Provider
	visits   map[string]*visit // by cookie
}

// visit is one browser at the app.
type visit struct {
	State, Nonce, Verifier string

	Person  *Person
	IDToken string // the hint for signing out
	Problem string
}

// Person is who signed in, as the app sees them.
type Person struct {
	Subject string         `json:"sub"`
	Claims  map[string]any `json:"claims"` // from the UserInfo endpoint
}

// Names are the names of the claims, sorted.
func (p Person) Names() []string { return slices.Sorted(maps.Keys(p.Claims)) }

// Handler serves the app.
func (a *App) Handler() http.Handler {
	a.visits = map[string]*visit{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", a.home)
	mux.HandleFunc("GET /sign-in", a.signIn)
	mux.HandleFunc("GET /callback", a.callback)
	mux.HandleFunc("POST /sign-out", a.signOut)
	mux.HandleFunc("GET /person.json", a.person)
	mux.Handle("GET /app.css", http.FileServerFS(files))
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

// signIn starts the code flow with PKCE. ?connector=ID asks the broker for one
// provider; without it the broker lets the resident choose.
func (a *App) signIn(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	conf, err := a.oauth2(r.Context())
	if err != nil {
		a.problem(w, r, v, fmt.Errorf("reach the sign-in service: %w", err))
		return
	}
	a.mu.Lock()
	v.State, v.Nonce, v.Verifier = rand.Text(), rand.Text(), oauth2.GenerateVerifier()
	options := []oauth2.AuthCodeOption{oidc.Nonce(v.Nonce), oauth2.S256ChallengeOption(v.Verifier)}
	for _, name := range []string{"connector_hint", "prompt", "login_hint", "ui_locales"} {
		if value := r.URL.Query().Get(name); value != "" {
			options = append(options, oauth2.SetAuthURLParam(name, value))
		}
	}
	to := conf.AuthCodeURL(v.State, options...)
	a.mu.Unlock()
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func (a *App) callback(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	person, idToken, err := a.exchange(r, v)
	if err != nil {
		a.problem(w, r, v, err)
		return
	}
	a.mu.Lock()
	v.Person, v.IDToken, v.State = person, idToken, ""
	a.mu.Unlock()
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

// exchange checks the broker's answer and fetches who signed in.
func (a *App) exchange(r *http.Request, v *visit) (*Person, string, error) {
	a.mu.Lock()
	asked := *v
	a.mu.Unlock()
	q := r.URL.Query()
	if asked.State == "" || q.Get("state") != asked.State {
		return nil, "", errors.New("this answer belongs to another sign-in")
	}
	if code := q.Get("error"); code != "" {
		return nil, "", fmt.Errorf("%s: %s", code, q.Get("error_description"))
	}
	conf, err := a.oauth2(r.Context())
	if err != nil {
		return nil, "", err
	}
	token, err := conf.Exchange(r.Context(), q.Get("code"), oauth2.VerifierOption(asked.Verifier))
	if err != nil {
		return nil, "", fmt.Errorf("exchange code: %w", err)
	}
	raw, _ := token.Extra("id_token").(string)
	verifier := a.provider.Verifier(&oidc.Config{ClientID: a.ID, SupportedSigningAlgs: []string{oidc.RS256, oidc.ES256}})
	idToken, err := verifier.Verify(r.Context(), raw)
	if err != nil {
		return nil, "", fmt.Errorf("verify ID token: %w", err)
	}
	if idToken.Nonce != asked.Nonce {
		return nil, "", errors.New("verify ID token: foreign nonce")
	}
	info, err := a.provider.UserInfo(r.Context(), conf.TokenSource(r.Context(), token))
	if err != nil {
		return nil, "", fmt.Errorf("fetch user info: %w", err)
	}
	person := &Person{Subject: idToken.Subject}
	if err := info.Claims(&person.Claims); err != nil {
		return nil, "", fmt.Errorf("read user info: %w", err)
	}
	delete(person.Claims, "sub")
	return person, raw, nil
}

// signOut ends the app's own session, then the broker's (OpenID Connect
// RP-Initiated Logout 1.0).
func (a *App) signOut(w http.ResponseWriter, r *http.Request) {
	v := a.visit(w, r)
	a.mu.Lock()
	hint := v.IDToken
	v.Person, v.IDToken = nil, ""
	a.mu.Unlock()
	q := url.Values{"id_token_hint": {hint}, "post_logout_redirect_uri": {a.Base + "/"}}
	http.Redirect(w, r, a.Issuer+"/end_session?"+q.Encode(), http.StatusSeeOther)
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

// oauth2 is the client's configuration; the first call discovers the broker.
func (a *App) oauth2(ctx context.Context) (*oauth2.Config, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.provider == nil {
		p, err := oidc.NewProvider(context.WithoutCancel(ctx), a.Issuer)
		if err != nil {
			return nil, err
		}
		a.provider = p
	}
	return &oauth2.Config{
		ClientID: a.ID, ClientSecret: a.Secret, Endpoint: a.provider.Endpoint(),
		RedirectURL: a.Base + "/callback", Scopes: append([]string{oidc.ScopeOpenID}, a.Scopes...),
	}, nil
}
