package council

import (
	"errors"
	"net/http"

	"github.com/councilid/councilid/broker/web"
)

// A resident takes another address along by showing that they read it, and the
// old one, if a code that went there has not just signed them in. Who comes by
// another way in to their account may have lost the old address, and need not
// show it; it is told of the change in any case.

// showsOld reports whether the old address must be shown first.
func (d *desk) showsOld() bool {
	return !d.Shown && (d.Method == byPasskey || d.Method == byBoundPasskey)
}

// showMove asks for the new address.
func (c *Council) showMove(w http.ResponseWriter, r *http.Request, d *desk) error {
	if !d.May {
		return c.back(w, r, d, "account")
	}
	return c.Site.Page(w, r, http.StatusOK, "council_move", web.CouncilMove{
		Problem: d.Problem.on("account/address"), Address: d.who.Address.Text, To: d.To.Text, Send: c.path("account/address"), Back: c.path("account"),
	})
}

// takeMove sends the first code.
func (c *Council) takeMove(w http.ResponseWriter, r *http.Request, d *desk) error {
	to, err := parseAddress(r.PostFormValue("address"))
	if err != nil {
		return c.objects(w, r, d, "account/address", web.ProblemAddress)
	}
	d.To = to
	return c.sendMoveCode(w, r, d)
}

// sendMoveCode sends a code to the address that must be shown next.
func (c *Council) sendMoveCode(w http.ResponseWriter, r *http.Request, d *desk) error {
	if err := c.sendCode(r, d.handle, d.nextShown(), d.use()); err != nil {
		return c.objection(w, r, d, "account/address", err)
	}
	return c.back(w, r, d, "account/address/code")
}

// nextShown is the address that must be shown next.
func (d *desk) nextShown() address {
	if d.showsOld() {
		return d.who.Address
	}
	return d.To
}

// showMoveCode asks for a code.
func (c *Council) showMoveCode(w http.ResponseWriter, r *http.Request, d *desk) error {
	if !d.May || d.To == (address{}) {
		return c.back(w, r, d, "account")
	}
	return c.Site.Page(w, r, http.StatusOK, "council_code", web.CouncilCode{
		Problem: d.Problem.on("account/address/code"), Address: d.nextShown().Text, Minutes: codeMinutes,
		Check: c.path("account/address/code"), Other: c.path("account/address"), Back: c.path("account"),
	})
}

// takeMoveCode goes on to the next code, or moves the account.
func (c *Council) takeMoveCode(w http.ResponseWriter, r *http.Request, d *desk) error {
	shown, err := c.redeem(r.Context(), d.handle, d.use(), r.PostFormValue("code"))
	if err != nil {
		return c.objection(w, r, d, "account/address/code", err)
	}
	switch {
	case shown != d.nextShown():
		return c.objects(w, r, d, "account/address", web.ProblemCodeSpent)
	case d.showsOld():
		d.Shown = true
		return c.sendMoveCode(w, r, d)
	}
	err = c.users.move(r.Context(), d.who.user, d.To)
	d.To, d.Shown = address{}, false
	if errors.Is(err, errTaken) {
		return c.objects(w, r, d, "account/address", web.ProblemAddressTaken)
	}
	if err != nil {
		return err
	}
	return c.done(w, r, d, web.DoneAddressChanged)
}
