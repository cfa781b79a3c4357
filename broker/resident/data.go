package resident

import (
	"encoding/json"
	"net/http"

	"github.com/councilid/councilid/broker/web"
)

func (p *Pages) showData(w http.ResponseWriter, r *http.Request, v *visit) error {
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_data", web.ResidentData{Own: v.page("")})
}

// download hands out everything that is kept about the resident (UK GDPR articles 15
// and 20).
func (p *Pages) download(w http.ResponseWriter, r *http.Request, v *visit) error {
	copied, err := p.Flow.Accounts.Export(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(copied, "", "  ")
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="council-account.json"`)
	_, err = w.Write(text)
	return err
}
