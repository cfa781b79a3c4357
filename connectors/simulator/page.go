package simulator

import (
	_ "embed"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

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

// choicePage asks who signs in.
func (p *Provider) choicePage(w http.ResponseWriter, form url.Values, a authorization, v visit) {
	shown := page{
		Provider: p.name,
		Action:   "?" + withoutChoice(form).Encode(),
		Client:   p.cfg.ClientID,
		Scopes:   strings.Fields(a.scope),
		People:   p.inOrder(a.loginHint),
		Faults:   p.faultGroups(),
	}
	if v.satisfies(a, p.now()) && a.prompt != "select_account" {
		shown.SignedIn = &v.persona
	}
	render(w, http.StatusOK, shown)
}

// errorPage tells the person what the client cannot be told.
func (p *Provider) errorPage(w http.ResponseWriter, problem string) {
	p.log.Info("refused", "provider", p.name, "at", "authorization", "error", problem)
	render(w, http.StatusBadRequest, page{Provider: p.name, Problem: problem})
}

func render(w http.ResponseWriter, status int, shown page) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	w.WriteHeader(status)
	pageTemplate.Execute(w, shown) // fails only when the browser has gone
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
