package resident

import (
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/web"
)

// showDelete says what goes and what stays when the account is deleted, or when that
// will be.
func (p *Pages) showDelete(w http.ResponseWriter, r *http.Request, v *visit) error {
	services, err := p.services(r, v)
	if err != nil {
		return err
	}
	page := web.ResidentDelete{Own: v.page(""), Days: int(p.Residents.CoolingOff / (24 * time.Hour)), Ends: web.DateOf(v.Account.Leaves)}
	for _, s := range services {
		page.Services = append(page.Services, s.Label)
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_delete", page)
}

// delete has the account deleted when the resident has had time to think again, or
// keeps it.
func (p *Pages) delete(w http.ResponseWriter, r *http.Request, v *visit) error {
	if r.PostFormValue("keep") != "" {
		if err := p.Flow.Accounts.Undelete(r.Context(), v.Account.ID); err != nil {
			return err
		}
		return p.done(w, r, v, "/", web.DidKeepAccount)
	}
	if r.PostFormValue("sure") == "" {
		return p.wrong(w, r, v, "sure", web.WrongNotSure)
	}
	if _, err := p.Flow.Accounts.Delete(r.Context(), v.Account.ID); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/delete", web.DidBeginDeletion)
}
