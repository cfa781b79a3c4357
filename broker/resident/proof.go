package resident

import (
	"net/http"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// showProof shows what was proved of the resident.
func (p *Pages) showProof(w http.ResponseWriter, r *http.Request, v *visit) error {
	checks, err := p.Flow.Accounts.Checks(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	page := web.ResidentProof{Own: v.page(""), Level: identity(v.Account.Level), Lives: residency(v.Account.Level)}
	for _, c := range checks {
		proof := web.Proof{
			By: p.connector(v, c.Connector), Lives: residency(c.Level), At: web.DateOf(c.At), Until: web.DateOf(c.Until),
			Over: !c.Until.IsZero() && !c.Until.After(p.Now()),
		}
		if c.Level.Identity > mapping.P0 {
			proof.Level = identity(c.Level)
		}
		page.Checks = append(page.Checks, proof)
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_proof", page)
}

// identity is how sure the council is of who somebody is, as in
// web.ResidentProof.Level.
func identity(level mapping.Assurance) string {
	return [...]string{"p0", "p1", "p2", "p3", "p4"}[level.Identity]
}

// residency is how sure it is of where they live, as in web.ResidentProof.Lives.
func residency(level mapping.Assurance) string {
	return [...]string{"", "r1", "r2", "r3"}[level.Residency]
}
