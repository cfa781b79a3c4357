package simulator

import "net/http"

// Some journeys end elsewhere: at the counter of a Post Office, where somebody
// looks at a passport days after it was asked for. The person is then led to the
// client's landing page, in whatever browser they have at hand, without an
// answer to any request. There the client begins anew, and this time the person
// can be proved.

// sendElsewhere tells somebody where to finish, and offers to be done with it.
func (p *Provider) sendElsewhere(w http.ResponseWriter, someone Persona) {
	p.say(w, notice{
		Title: "Finish at the Post Office",
		Text: someone.Title + " shows their passport at a Post Office, within 16 days. The result comes by e-mail, " +
			"with a link that leads back to the service.",
		Action:  beside(p.terms.endpoints.Authorization, "later"),
		Buttons: []button{{Name: "persona", Value: someone.ID, Label: "Be seen at the Post Office, and follow the link"}},
	})
}

// finishLater is the link in that e-mail: from now on the person can be proved.
func (p *Provider) finishLater(w http.ResponseWriter, r *http.Request) {
	someone, ok := p.persona(r.FormValue("persona"))
	if !ok || !someone.Elsewhere {
		p.errorPage(w, "There is nobody of that name who was sent to a Post Office.")
		return
	}
	p.finished.put(someone.ID, struct{}{}, p.now())
	http.Redirect(w, r, p.landing, http.StatusSeeOther)
}

// absent reports whether somebody has yet to be proved elsewhere before they
// reach what was asked for.
func (p *Provider) absent(someone Persona, r reach) bool {
	_, been := p.finished.get(someone.ID)
	return someone.Elsewhere && !been && r.Identity > 0
}
