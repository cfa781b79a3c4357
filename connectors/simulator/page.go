package simulator

import (
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed *.html
var pages embed.FS

var templates = template.Must(template.ParseFS(pages, "*.html"))

// page is what page.html shows.
type page struct {
	Provider string
	Problem  string // why nobody can sign in; the rest is empty then
	Action   string // where the buttons post to
	Client   string
	Scopes   []string
	SignedIn *Persona // in this browser
	People   []Persona
	Faults   []faultGroup
}

// faultGroup are the faults of one artefact.
type faultGroup struct {
	Artefact Artefact
	Faults   []Persona
}

// choicePage asks who signs in. Of shown, the caller fills in who asks for what,
// and where the answer goes to.
func (p *Provider) choicePage(w http.ResponseWriter, shown page, a authorization, v visit) {
	shown.Provider, shown.People, shown.Faults = p.name, p.inOrder(a.loginHint), p.faultGroups()
	if v.satisfies(a, p.now()) && a.prompt != "select_account" {
		shown.SignedIn = &v.persona
	}
	render(w, http.StatusOK, "page.html", shown, "")
}

// errorPage tells the person what the client cannot be told.
func (p *Provider) errorPage(w http.ResponseWriter, problem string) {
	p.log.Info("refused", "provider", p.name, "at", "authorization", "error", problem)
	render(w, http.StatusBadRequest, "page.html", page{Provider: p.name, Problem: problem}, "")
}

// render shows a page, on which the one script may run that scripts names.
func render(w http.ResponseWriter, status int, name string, shown any, scripts string) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"+scripts)
	w.WriteHeader(status)
	templates.ExecuteTemplate(w, name, shown) // fails only when the browser has gone
}

// withoutChoice is the authorization request as the client made it.
func withoutChoice(form url.Values) url.Values {
	request := url.Values{}
	for name, values := range form {
		if name != "persona" && name != "fault" {
			request[name] = values
		}
	}
	return request
}

// inOrder puts whom the login hint names first.
func (p *Provider) inOrder(hint string) []Persona {
	people := slices.Clone(p.people)
	for i, someone := range people {
		if hint != "" && (strings.EqualFold(someone.Person.Text("email"), hint) || someone.Person.Text("sub") == hint) {
			return slices.Insert(slices.Delete(people, i, i+1), 0, someone)
		}
	}
	return people
}

func (p *Provider) faultGroups() []faultGroup {
	var groups []faultGroup
	for _, f := range p.faults {
		if f.Beforehand() {
			continue
		}
		if len(groups) == 0 || groups[len(groups)-1].Artefact != f.Artefact {
			groups = append(groups, faultGroup{Artefact: f.Artefact})
		}
		last := &groups[len(groups)-1]
		last.Faults = append(last.Faults, p.stricken(f))
	}
	return groups
}
