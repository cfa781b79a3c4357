package resident

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// showServices shows which apps know the resident, and what they were told.
func (p *Pages) showServices(w http.ResponseWriter, r *http.Request, v *visit) error {
	services, err := p.services(r, v)
	if err != nil {
		return err
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_services", web.ResidentServices{Own: v.page(web.HereServices), Services: services})
}

func (p *Pages) services(r *http.Request, v *visit) ([]web.KnownService, error) {
	used, err := p.Flow.Accounts.Used(r.Context(), v.Account.ID)
	if err != nil {
		return nil, err
	}
	var services []web.KnownService
	for _, u := range used {
		services = append(services, p.service(v, u))
	}
	return services, nil
}

func (p *Pages) service(v *visit, u accounts.Used) web.KnownService {
	app, there := p.Flow.Apps[u.App]
	s := web.KnownService{
		ID: u.App, Label: cmp.Or(p.app(v, u.App), u.App), Purpose: app.Purpose.In(v.lang), Asked: app.Consent == "ask", Delegates: app.Delegates,
		First: web.DateOf(u.First), Last: web.DateOf(u.Last),
	}
	if there {
		s.To = p.Flow.Entrance(u.App)
	}
	for _, claim := range u.Released {
		switch facet := mapping.FacetOf(claim); {
		case claim == "sub", claim == "act", slices.Contains(s.Got, facet), slices.Contains(s.Others, facet):
		case slices.Contains(mapping.Facets(), facet), claim == "nameid":
			s.Got = append(s.Got, facet)
		default:
			s.Others = append(s.Others, facet)
		}
	}
	return s
}

// showStop asks whether to stop sharing with an app.
func (p *Pages) showStop(w http.ResponseWriter, r *http.Request, v *visit) error {
	services, err := p.services(r, v)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(services, func(s web.KnownService) bool { return s.ID == r.PathValue("app") })
	if i < 0 {
		return notFound("the app does not know the account")
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_stop", web.ResidentService{Own: v.page(web.HereServices), Service: services[i]})
}

// stop stops sharing: what was issued to the app is revoked, and it signs the
// resident out.
func (p *Pages) stop(w http.ResponseWriter, r *http.Request, v *visit) error {
	if _, err := p.Flow.StopSharing(r.Context(), v.Account.ID, r.PathValue("app")); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/services", web.DidStopSharing)
}
