package resident

import (
	"cmp"
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
)

// showHome is the broker's own front page.
func (p *Pages) showHome(w http.ResponseWriter, r *http.Request) error {
	v, err := p.visit(r)
	if err != nil {
		return err
	}
	if v == nil {
		return p.Flow.Site.Page(w, r, http.StatusOK, "home", web.Home{SignIn: "/sign-in"})
	}
	used, err := p.Flow.Accounts.Used(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	ways, err := p.Flow.Accounts.Ways(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	page := web.ResidentHome{
		Own: v.page(web.HereHome), Name: name(v), Level: identity(v.Account.Level),
		Ways: len(slices.DeleteFunc(ways, func(way accounts.Way) bool { return !way.Usable })), Ends: web.DateOf(v.Account.Leaves),
	}
	page.Using, page.Categories = p.tiles(v, used)
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_home", page)
}

// signIn has somebody sign in who comes to the front page.
func (p *Pages) signIn(w http.ResponseWriter, r *http.Request) error {
	return p.Flow.SignIn(w, r, "/")
}

// name is what the resident is greeted with.
func name(v *visit) string {
	known := v.Known().Claims
	return cmp.Or(known.Text("nickname"), known.Text("given_name"), known.Text("name"))
}
