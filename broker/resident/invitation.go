package resident

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// attempts are how often somebody may type codes of invitations.
var attempts = store.Limit{PerHour: 10}

// invited is the code of an invitation that a resident typed and is asked about. It is
// theirs to use anyway, and forgotten soon.
type invited struct {
	Session string `json:"session"` // by its SID
	Code    string `json:"code"`
}

var invitedTable = store.Table[invited]{Name: "resident-invited"}

// answerTime is for how long they may think about it before they type it again.
const answerTime = 15 * time.Minute

func (p *Pages) showAccept(w http.ResponseWriter, r *http.Request, v *visit) error {
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_accept", web.ResidentAccept{Own: v.page(""), Typed: v.told.typed("code", "")})
}

// takeInvitation leads whoever typed the code of an invitation to the page that asks
// them.
func (p *Pages) takeInvitation(w http.ResponseWriter, r *http.Request, v *visit) error {
	err := p.within(r.Context(), "resident-invitation:"+v.Account.ID, attempts)
	if _, often := errors.AsType[*store.Exceeded](err); often {
		return p.wrong(w, r, v, "code", web.WrongTooManyAttempts)
	}
	if err != nil {
		return err
	}
	code := r.PostFormValue("code")
	if _, _, err := p.Flow.Invited(r.Context(), *v.Session, code); err != nil {
		return p.notInvited(w, r, v, err)
	}
	h, b := store.NewHandle(), p.Flow.Store.Batch()
	invitedTable.Put(b, h, invited{Session: v.SID, Code: code}, answerTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, "/my/delegates/answer?to="+h.String(), http.StatusSeeOther)
	return nil
}

// notInvited leads back to where a code is typed.
func (p *Pages) notInvited(w http.ResponseWriter, r *http.Request, v *visit, err error) error {
	what := web.WrongInvitation
	switch {
	case errors.Is(err, accounts.ErrOneself):
		what = web.WrongOwnInvitation
	case !errors.Is(err, accounts.ErrInvitation):
		return err
	}
	return p.leave(w, r, v, "/my/delegates/accept", word{
		Page: "/my/delegates/accept", Problems: []web.Problem{{Field: "code", What: what}}, Typed: r.PostForm,
	})
}

// typed is the code that the resident is asked about, "" for none.
func (p *Pages) typed(r *http.Request, v *visit) (string, error) {
	h, _ := store.ParseHandle(r.URL.Query().Get("to"))
	b := p.Flow.Store.Batch()
	found := invitedTable.Get(b, h)
	if err := b.Exec(r.Context()); err != nil {
		return "", err
	}
	if said, ok := found.Value(); ok && said.Session == v.SID {
		return said.Code, nil
	}
	return "", nil
}

// showInvitation says who asks the resident to act for them, and asks whether they
// want to.
func (p *Pages) showInvitation(w http.ResponseWriter, r *http.Request, v *visit) error {
	code, err := p.typed(r, v)
	if err != nil {
		return err
	}
	d, name, err := p.Flow.Invited(r.Context(), *v.Session, code)
	if err != nil {
		return p.notInvited(w, r, v, err)
	}
	page := web.ResidentInvitation{Own: v.page(""), Name: name, Label: d.Label, Until: web.DateOf(d.Until)}
	for _, id := range d.Apps {
		page.Services = append(page.Services, cmp.Or(p.app(v, id), id))
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_invitation", page)
}

// answerInvitation takes up the invitation, or refuses it.
func (p *Pages) answerInvitation(w http.ResponseWriter, r *http.Request, v *visit) error {
	code, err := p.typed(r, v)
	if err != nil {
		return err
	}
	did := web.DidDecline
	switch r.PostFormValue("answer") {
	case "accept":
		did = web.DidAccept
		_, err = p.Flow.Accounts.Accept(r.Context(), v.Account.ID, v.Link, code)
	case "decline":
		err = p.Flow.Accounts.Decline(r.Context(), v.Account.ID, code)
	default:
		return p.showInvitation(w, r, v)
	}
	if err != nil {
		return p.notInvited(w, r, v, err)
	}
	return p.done(w, r, v, "/my/delegates", did)
}
