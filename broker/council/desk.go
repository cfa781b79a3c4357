package council

import (
	"errors"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// desk is a resident at their account page, for a quarter of an hour from a
// sign-in that was made for it. A session at an app opens no desk: whoever finds
// a computer that somebody has left signed in changes nothing.
type desk struct {
	User    string  `json:"user"`
	Method  method  `json:"method"`           // how they signed in
	May     bool    `json:"may"`              // which is enough to change something
	Changes int64   `json:"changes"`          // what was changed from this desk, and before
	Problem problem `json:"problem,omitzero"` // what was wrong with the last form
	Done    string  `json:"done,omitempty"`   // what was changed last, as in council.done.DONE
	To      address `json:"to,omitzero"`      // the address that they would like to have
	Shown   bool    `json:"shown,omitempty"`  // and they have shown that they still read the old one

	handle store.Handle
	until  time.Time
	who    holder
}

const (
	deskCookie = "council-account"
	deskTime   = 15 * time.Minute
)

// kept is a desk with its end, which using it does not put off.
type kept struct {
	desk
	Until time.Time `json:"until"`
}

var deskTable = store.Table[kept]{Name: "council-desk"}

// openDesk leads to the account page of somebody who has just shown who they
// are. Its cookie is new: none can be given to them beforehand.
func (c *Council) openDesk(w http.ResponseWriter, r *http.Request, who holder, m method, b *store.Batch) error {
	may, err := c.mayChange(r.Context(), who, m)
	if err != nil {
		return err
	}
	h := store.NewHandle()
	deskTable.Put(b, h, kept{desk{User: who.ID, Method: m, May: may, Changes: who.Changes}, c.Now().Add(deskTime)}, deskTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	c.Site.SetCookie(w, deskCookie, h.String(), 0)
	http.Redirect(w, r, c.path("account"), http.StatusSeeOther)
	return nil
}

// put keeps the desk as it is now.
func (d *desk) put(c *Council, b *store.Batch) {
	deskTable.Put(b, d.handle, kept{*d, d.until}, d.until.Sub(c.Now()))
}

// atDesk is a handler of the account page. Whoever has no desk is led to sign
// in first.
func (c *Council) atDesk(handle func(http.ResponseWriter, *http.Request, *desk) error) web.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		d, err := c.desk(r)
		if errors.Is(err, errNoDesk) {
			return c.signInFirst(w, r)
		}
		if err != nil {
			return err
		}
		return handle(w, r, d)
	}
}

// changing is atDesk for what changes how somebody signs in.
func (c *Council) changing(handle func(http.ResponseWriter, *http.Request, *desk) error) web.Handler {
	return c.atDesk(func(w http.ResponseWriter, r *http.Request, d *desk) error {
		if !d.May {
			return expired("the sign-in is not enough to change anything")
		}
		d.Problem, d.Done = problem{}, ""
		if err := handle(w, r, d); !errors.Is(err, errStale) {
			return err
		}
		return c.signInFirst(w, r)
	})
}

var errNoDesk = errors.New("nobody is at the account page")

func (c *Council) desk(r *http.Request) (*desk, error) {
	var h store.Handle
	cookie, err := r.Cookie(c.Site.Cookie(deskCookie))
	if err == nil {
		h, _ = store.ParseHandle(cookie.Value)
	}
	b := c.counted(r)
	found := deskTable.Get(b, h)
	if err := b.Exec(r.Context()); err != nil {
		return nil, err
	}
	k, ok := found.Value()
	if !ok || h.Tag == "" || !c.Now().Before(k.Until) {
		return nil, errNoDesk
	}
	d := k.desk
	d.handle, d.until = h, k.Until
	d.who, err = c.users.holder(r.Context(), d.User)
	if errors.Is(err, errNoUser) || err == nil && d.who.Changes != d.Changes {
		return nil, errNoDesk
	}
	if err != nil {
		return nil, err
	}
	return &d, nil
}

// signInFirst begins a visit that leads to the account page.
func (c *Council) signInFirst(w http.ResponseWriter, r *http.Request) error {
	h, b := store.NewHandle(), c.Store.Batch()
	visitTable.Put(b, h, visit{Account: true}, visitTime)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, c.link("sign-in", h), http.StatusSeeOther)
	return nil
}

// back keeps the desk and leads to a page of the account.
func (c *Council) back(w http.ResponseWriter, r *http.Request, d *desk, page string) error {
	b := c.Store.Batch()
	d.put(c, b)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	http.Redirect(w, r, c.path(page), http.StatusSeeOther)
	return nil
}

// objects is back with what was wrong with the form.
func (c *Council) objects(w http.ResponseWriter, r *http.Request, d *desk, page, what string) error {
	d.Problem = problem{page, what}
	return c.back(w, r, d, page)
}

// objection is objects where err is for the resident.
func (c *Council) objection(w http.ResponseWriter, r *http.Request, d *desk, page string, err error) error {
	what := problemOf(err)
	if what == "" {
		return err
	}
	return c.objects(w, r, d, page, what)
}

// done is back to the account page with what was changed.
func (c *Council) done(w http.ResponseWriter, r *http.Request, d *desk, what string) error {
	if err := c.changed(r, d.who, what); err != nil {
		return err
	}
	d.Done = what
	d.Changes++
	return c.back(w, r, d, "account")
}
