package council

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/web"
)

// showAccount shows how the resident signs in.
func (c *Council) showAccount(w http.ResponseWriter, r *http.Request, d *desk) error {
	page := web.CouncilAccount{
		Problem: d.Problem.on("account"), Done: d.Done, May: d.May, Address: d.who.Address.Text, HasPassword: d.who.Password != "",
		Move: c.path("account/address"), Rename: c.path("account/passkeys/rename"), Remove: c.path("account/passkeys/remove"),
		Full: d.May && len(d.who.passkeys) >= mostPasskeys, Leave: c.path("account/leave"), Recover: c.path("recover"),
	}
	if c.Connector.Council.Passwords {
		page.Password, page.NoPassword = c.path("account/password"), c.path("account/password/remove")
	}
	for _, p := range d.who.passkeys {
		page.Passkeys = append(page.Passkeys, web.KnownPasskey{ID: p.ID, Name: p.Name, Added: day(p.Created), Used: day(p.Used)})
	}
	b := c.Store.Batch()
	if c.keys != nil && d.May && !page.Full {
		var err error
		if page.Passkey.Question, err = c.keys.askMake(b, d.handle, d.who); err != nil {
			return err
		}
		page.Passkey.Action = c.path("account/passkeys")
	}
	if d.Done != "" { // which is said once
		d.Done = ""
		d.put(c, b)
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return c.Site.Page(w, r, http.StatusOK, "council_account", page)
}

// day is t as people in these islands write it; "" for never.
func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format("02/01/2006")
}

// takeAccountPasskey adds a passkey.
func (c *Council) takeAccountPasskey(w http.ResponseWriter, r *http.Request, d *desk) error {
	if c.keys == nil {
		return expired("there are no passkeys")
	}
	err := c.addPasskey(r, d.handle, d.who)
	if what := newPasskeyProblem(err); what != "" {
		web.Annotate(r, slog.String("cause", err.Error()))
		return c.objects(w, r, d, "account", what)
	}
	if err != nil {
		return err
	}
	return c.done(w, r, d, web.DonePasskeyAdded)
}

// renamePasskey calls a passkey something else. That changes nothing of how the
// resident signs in, so nobody is told.
func (c *Council) renamePasskey(w http.ResponseWriter, r *http.Request, d *desk) error {
	if err := c.users.renamePasskey(r.Context(), d.who.user, r.PostFormValue("passkey"), short(r.PostFormValue("name"), longestName)); err != nil {
		return err
	}
	return c.back(w, r, d, "account")
}

// removePasskey forgets a passkey. The address remains, which everybody has.
func (c *Council) removePasskey(w http.ResponseWriter, r *http.Request, d *desk) error {
	if err := c.users.removePasskey(r.Context(), d.who.user, r.PostFormValue("passkey")); err != nil {
		return err
	}
	return c.done(w, r, d, web.DonePasskeyRemoved)
}

// showNewPassword asks for a new password.
func (c *Council) showNewPassword(w http.ResponseWriter, r *http.Request, d *desk) error {
	if !c.Connector.Council.Passwords || !d.May {
		return c.back(w, r, d, "account")
	}
	return c.Site.Page(w, r, http.StatusOK, "council_new_password", web.CouncilNewPassword{
		Problem: d.Problem.on("account/password"), Shortest: shortest, Address: d.who.Address.Text, Save: c.path("account/password"), Back: c.path("account"),
	})
}

// takeNewPassword sets the password.
func (c *Council) takeNewPassword(w http.ResponseWriter, r *http.Request, d *desk) error {
	if !c.Connector.Council.Passwords {
		return expired("there are no passwords")
	}
	password := r.PostFormValue("password")
	wrong, err := c.passwordProblem(d.who.user, password)
	if err != nil {
		return err
	}
	if wrong == "" && password != r.PostFormValue("again") {
		wrong = web.ProblemPasswordDiffers
	}
	if wrong != "" {
		return c.objects(w, r, d, "account/password", wrong)
	}
	hash, err := c.hash.hash(r.Context(), password)
	if err != nil {
		return comeBack(err, c.path("account/password"))
	}
	if err := c.users.setPassword(r.Context(), d.who.user, hash); err != nil {
		return err
	}
	return c.done(w, r, d, web.DonePasswordSet)
}

// removePassword forgets the password.
func (c *Council) removePassword(w http.ResponseWriter, r *http.Request, d *desk) error {
	if err := c.users.setPassword(r.Context(), d.who.user, ""); err != nil {
		return err
	}
	return c.done(w, r, d, web.DonePasswordRemoved)
}

// leave ends the visit to the account page.
func (c *Council) leave(w http.ResponseWriter, r *http.Request, d *desk) error {
	b := c.Store.Batch()
	deskTable.Delete(b, d.handle)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	c.Site.SetCookie(w, deskCookie, "", -1)
	to := "/"
	if strings.HasSuffix(r.PostFormValue("to"), "account") {
		to = c.path("account") // to sign in in another way
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}
