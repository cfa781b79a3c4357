package simulator

import (
	"cmp"
	"crypto/rand"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// visit is one browser signed in at the provider. Its cookie is not signed:
// there is nothing here to protect.
type visit struct {
	persona Persona
	since   time.Time // when they authenticated: auth_time
	index   string    // names the visit towards service providers: SAML's SessionIndex
}

func newVisit(someone Persona, now time.Time) visit {
	return visit{persona: someone, since: now, index: rand.Text()}
}

// satisfies reports whether the visit will do for a request, so that nobody
// need authenticate.
func (v visit) satisfies(a authorization, now time.Time) bool {
	if v.persona.ID == "" || a.wantsFresh() {
		return false
	}
	return a.maxAge < 0 || now.Sub(v.since) <= a.maxAge
}

// cookie is the provider's own: browsers do not tell the ports of one host
// apart.
func (p *Provider) cookie() string { return "simulated-" + cmp.Or(p.cfg.ID, p.cfg.Preset) }

func (p *Provider) visitOf(r *http.Request) visit {
	c, err := r.Cookie(p.cookie())
	if err != nil {
		return visit{}
	}
	id, rest, _ := strings.Cut(c.Value, ".")
	since, index, _ := strings.Cut(rest, ".")
	persona, ok := p.persona(id)
	seconds, err := strconv.ParseInt(since, 10, 64)
	if !ok || err != nil || p.saml.over(index) {
		return visit{}
	}
	return visit{persona: persona, since: time.Unix(seconds, 0), index: index}
}

func (p *Provider) remember(w http.ResponseWriter, v visit) {
	http.SetCookie(w, &http.Cookie{
		Name: p.cookie(), Value: v.persona.ID + "." + strconv.FormatInt(v.since.Unix(), 10) + "." + v.index,
		Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode,
	})
}

// forget ends the visit in the browser.
func (p *Provider) forget(w http.ResponseWriter) {
	http.SetCookie(w, &http.Cookie{Name: p.cookie(), Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteLaxMode})
}

// choice is who signs in and what goes wrong.
type choice struct {
	persona Persona
	fault   *Fault
}

// sound is the fault of a sign-in in which nothing goes wrong.
var sound = &Fault{}

// choiceOf reads the choice that the page's button or a program made. What is
// wrong with it is the second result.
func (p *Provider) choiceOf(r *http.Request) (choice, string) {
	c := choice{fault: sound}
	if f := p.imposed.Load(); f != nil {
		c.fault = f
	}
	if id := asked(r, "persona"); id != "" {
		persona, ok := p.persona(id)
		if !ok {
			return c, "There is no persona of that name."
		}
		c.persona = persona
		if persona.Fault != nil {
			c.persona, c.fault = p.people[0], persona.Fault
		}
	}
	if id := asked(r, "fault"); id != "" {
		if c.fault = find(p.faults, id); c.fault == nil || c.fault.Beforehand() {
			return c, "There is no fault of that name that can be chosen here."
		}
	}
	return c, ""
}

// asked is a choice made by parameter or by header.
func asked(r *http.Request, name string) string {
	return cmp.Or(r.Form.Get(name), r.Header.Get("Simulator-"+name))
}
