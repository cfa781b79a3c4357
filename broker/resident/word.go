package resident

import (
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// word is what a form leaves for the page that comes after it: what was done, or
// what was wrong with it and what was typed.
type word struct {
	Page     string              `json:"page"` // the path of the page
	Done     string              `json:"done,omitempty"`
	Problems []web.Problem       `json:"problems,omitempty"`
	Typed    map[string][]string `json:"typed,omitempty"`
}

// wordTable has one word for each session, by its SID.
var wordTable = store.Table[word]{Name: "resident-word"}

// wordTime is how long a browser may take for a redirect.
const wordTime = time.Minute

// keepTime is how long somebody may take to sign in again, and finds what they typed.
const keepTime = 15 * time.Minute

// keep has what was typed come back when the resident has signed in again: as the same
// person, for nobody else has the session.
func (p *Pages) keep(r *http.Request, v *visit) error {
	if len(v.kept.Typed) == 0 {
		return nil
	}
	b := p.Flow.Store.Batch()
	wordTable.Put(b, store.Handle{Tag: v.SID}, word{Page: v.kept.Page, Typed: v.kept.Typed}, keepTime)
	return b.Exec(r.Context())
}

// typed is what was typed into a field, or otherwise where nothing was.
func (w word) typed(field, otherwise string) string {
	if typed, ok := w.Typed[field]; ok && len(typed) > 0 {
		return typed[0]
	}
	return otherwise
}

// done leads to a page that says what was done.
func (p *Pages) done(w http.ResponseWriter, r *http.Request, v *visit, page, what string) error {
	return p.leave(w, r, v, page, word{Page: page, Done: what})
}

// wrong leads back to the form, with what was typed.
func (p *Pages) wrong(w http.ResponseWriter, r *http.Request, v *visit, field, what string) error {
	return p.wrongs(w, r, v, web.Problem{Field: field, What: what})
}

func (p *Pages) wrongs(w http.ResponseWriter, r *http.Request, v *visit, problems ...web.Problem) error {
	return p.leave(w, r, v, r.URL.RequestURI(), word{Page: r.URL.Path, Problems: problems, Typed: r.PostForm})
}

// wrongOn leads to another page, whose form is to be filled in anew.
func (p *Pages) wrongOn(w http.ResponseWriter, r *http.Request, v *visit, page, field, what string) error {
	return p.leave(w, r, v, page, word{Page: page, Problems: []web.Problem{{Field: field, What: what}}})
}

// leave leads to an address and leaves a word there.
func (p *Pages) leave(w http.ResponseWriter, r *http.Request, v *visit, to string, what word) error {
	b := p.Flow.Store.Batch()
	wordTable.Put(b, store.Handle{Tag: v.SID}, what, wordTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
