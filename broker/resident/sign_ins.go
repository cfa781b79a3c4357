package resident

import (
	"cmp"
	"errors"
	"net/http"
	"slices"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
)

// showSignIns shows the ways by which the resident signs in.
func (p *Pages) showSignIns(w http.ResponseWriter, r *http.Request, v *visit) error {
	ways, err := p.ways(r, v)
	if err != nil {
		return err
	}
	page := web.ResidentSignIns{Own: v.page(web.HereSignIns), Ways: ways}
	for _, way := range p.Flow.Ways {
		page.Other = append(page.Other, web.Way{
			ID: way.Config.ID, Label: way.Config.Label.In(v.lang), Hint: way.Config.Hint.In(v.lang),
		})
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_sign_ins", page)
}

// ways are the ways in to the account as its owner knows them.
func (p *Pages) ways(r *http.Request, v *visit) ([]web.KnownWay, error) {
	ways, err := p.Flow.Accounts.Ways(r.Context(), v.Account.ID)
	if err != nil {
		return nil, err
	}
	usable := 0
	for _, way := range ways {
		if way.Usable {
			usable++
		}
	}
	known := make([]web.KnownWay, len(ways))
	for i, way := range ways {
		known[i] = p.known(v, way)
		known[i].Only = way.Usable && usable == 1
	}
	return known, nil
}

func (p *Pages) known(v *visit, way accounts.Way) web.KnownWay {
	by := p.connector(v, way.Connector)
	known := web.KnownWay{
		ID: way.ID, Label: cmp.Or(way.Label, by, way.Connector),
		Added: web.DateOf(way.Created), Last: web.DateOf(way.Last), Now: way.ID == v.Link,
	}
	if way.Label != "" {
		known.By = by
	}
	if i := p.wayOf(way.Connector); i >= 0 && p.Flow.Ways[i].Config.Council != nil {
		known.Manage = "/council/" + way.Connector + "/account"
	}
	switch {
	case way.Frozen != "":
		known.Off = "frozen"
	case way.Dead:
		known.Off = "dead"
	case !way.Usable:
		known.Off = "gone"
	}
	return known
}

// way is the one that the address names.
func (p *Pages) way(r *http.Request, v *visit) (web.KnownWay, error) {
	ways, err := p.ways(r, v)
	if err != nil {
		return web.KnownWay{}, err
	}
	i := slices.IndexFunc(ways, func(way web.KnownWay) bool { return way.ID == r.PathValue("link") })
	if i < 0 {
		return web.KnownWay{}, notFound("the way in does not lead to the account")
	}
	return ways[i], nil
}

// addWay has the resident sign in by another way, which is theirs then.
func (p *Pages) addWay(w http.ResponseWriter, r *http.Request, v *visit) error {
	connector := r.PostFormValue("connector")
	if connector == "" {
		return p.wrong(w, r, v, "add-0", web.WrongNoWay)
	}
	return p.Flow.Add(w, r, v.Session, connector, "/my/sign-ins")
}

func (p *Pages) showName(w http.ResponseWriter, r *http.Request, v *visit) error {
	way, err := p.way(r, v)
	if err != nil {
		return err
	}
	named := ""
	if way.By != "" {
		named = way.Label
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_name", web.ResidentWay{
		Own: v.page(web.HereSignIns), Way: way, Typed: v.told.typed("name", named),
	})
}

// longestName is how many characters residents may call something by.
const longestName = 60

func (p *Pages) takeName(w http.ResponseWriter, r *http.Request, v *visit) error {
	name := r.PostFormValue("name")
	if utf8.RuneCountInString(name) > longestName {
		return p.wrong(w, r, v, "name", web.WrongName)
	}
	err := p.Flow.Accounts.Name(r.Context(), v.Account.ID, r.PathValue("link"), name)
	if errors.Is(err, accounts.ErrNotFound) {
		return notFound("the way in does not lead to the account")
	}
	if err != nil {
		return err
	}
	return p.done(w, r, v, "/my/sign-ins", web.DidNameWay)
}

func (p *Pages) showRemove(w http.ResponseWriter, r *http.Request, v *visit) error {
	way, err := p.way(r, v)
	if err != nil {
		return err
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_remove", web.ResidentWay{Own: v.page(web.HereSignIns), Way: way})
}

// remove takes a way in away, and ends what is signed in by it: perhaps this very
// session.
func (p *Pages) remove(w http.ResponseWriter, r *http.Request, v *visit) error {
	link := r.PathValue("link")
	err := p.Flow.Accounts.Remove(r.Context(), v.Account.ID, v.Link, link)
	switch {
	case errors.Is(err, accounts.ErrLast):
		return p.wrongOn(w, r, v, "/my/sign-ins", "add", web.WrongLastWay)
	case errors.Is(err, accounts.ErrLastOfOther):
		return p.wrongOn(w, r, v, "/my/sign-ins", "add", web.WrongLastOfOther)
	case errors.Is(err, accounts.ErrNotFound):
		return notFound("the way in does not lead to the account")
	case err != nil:
		return err
	}
	if _, err := p.Flow.EndThrough(r.Context(), v.Account.ID, link); err != nil {
		return err
	}
	if link == v.Link {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return p.done(w, r, v, "/my/sign-ins", web.DidRemoveWay)
}
