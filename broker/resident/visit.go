package resident

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// visit is a resident at one of their pages.
type visit struct {
	*login.Session
	lang string
	told word // since the last form
	kept word // what was typed into one on this page
	stay web.Stay
}

// handler is a web.Handler for somebody who is signed in.
type handler func(w http.ResponseWriter, r *http.Request, v *visit) error

// own is a handler of a page that whoever is signed in may see.
func (p *Pages) own(handle handler) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		v, err := p.visit(r)
		if err != nil {
			return err
		}
		if v == nil && r.Method == http.MethodPost {
			return p.Flow.Site.Page(w, r, http.StatusOK, "over", web.Over{Again: r.URL.Path})
		}
		if v == nil {
			return p.Flow.SignIn(w, r, r.URL.Path)
		}
		return handle(w, r, v)
	}
}

// careful is own for what asks for a sign-in of a moment ago.
func (p *Pages) careful(handle handler) web.Handler {
	return p.own(func(w http.ResponseWriter, r *http.Request, v *visit) error {
		switch {
		case v.Shows() && p.Flow.Recent(v.Session):
			return handle(w, r, v)
		case r.Method == http.MethodPost && r.PostFormValue("again") != "":
			return p.again(w, r, v)
		}
		if r.Method == http.MethodPost {
			v.kept = word{Page: r.URL.Path, Typed: r.PostForm}
		}
		if err := p.keep(r, v); err != nil {
			return err
		}
		return p.Flow.Site.Page(w, r, http.StatusOK, "resident_again", web.Again{
			Own: v.page(""), By: p.connector(v, v.Connector), Weak: !v.Shows(), Kept: len(v.kept.Typed) > 0, Back: "/",
		})
	})
}

// again has the resident sign in once more: by the same way, or where that does not
// show all that is proved of them, by one that does.
func (p *Pages) again(w http.ResponseWriter, r *http.Request, v *visit) error {
	if err := p.keep(r, v); err != nil {
		return err
	}
	if !v.Shows() {
		return p.Flow.Begin(w, r, login.Request{Return: r.URL.Path, Levels: []mapping.Assurance{v.Account.Level}})
	}
	return p.Flow.Refresh(w, r, r.URL.Path)
}

// visit finds who is at the page: nil where nobody is signed in.
func (p *Pages) visit(r *http.Request) (*visit, error) {
	s, err := p.Flow.Present(r)
	if s == nil || err != nil {
		return nil, err
	}
	v := &visit{Session: s, lang: p.Flow.Site.Language(r)}
	b := p.Flow.Store.Batch()
	b.Count("address:"+p.network(r), p.Flow.Limit)
	told := wordTable.Take(b, store.Handle{Tag: s.SID})
	if err := b.Exec(r.Context()); err != nil {
		return nil, err
	}
	if last, ok := told.Value(); ok && last.Page == r.URL.Path {
		v.kept = last
	}
	if r.Method == http.MethodGet {
		v.told = v.kept
	}
	v.stay = p.stays(*s)
	return v, nil
}

// network is from where a request comes.
func (p *Pages) network(r *http.Request) string { return web.Network(p.Flow.Site.Address(r)).String() }

// within counts. The error is a store.Exceeded where it is too often.
func (p *Pages) within(ctx context.Context, key string, limit store.Limit) error {
	b := p.Flow.Store.Batch()
	b.Count(key, limit)
	return b.Exec(ctx)
}

// page is what every page has, of the navigation's here.
func (v *visit) page(here string) web.Own {
	return web.Own{Here: here, Done: v.told.Done, Problems: v.told.Problems, Stay: v.stay}
}

// connector is what residents call a connector, "" for one that is gone.
func (p *Pages) connector(v *visit, id string) string {
	i := p.wayOf(id)
	if i < 0 {
		return ""
	}
	return p.Flow.Ways[i].Config.Label.In(v.lang)
}

// wayOf is the index of a connector among the flow's, or -1.
func (p *Pages) wayOf(connector string) int {
	return slices.IndexFunc(p.Flow.Ways, func(way login.Way) bool { return way.Config.ID == connector })
}

// app is what residents call an app, "" for one that is gone.
func (p *Pages) app(v *visit, id string) string { return p.Flow.Apps[id].Label.In(v.lang) }

// notFound is the error of an address below a page that leads nowhere.
func notFound(why string) error {
	return &web.Error{Status: http.StatusNotFound, Message: web.NotFound, Back: "/", Err: errors.New(why)}
}
