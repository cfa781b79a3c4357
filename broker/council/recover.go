package council

import (
	"errors"
	"net/http"

	"github.com/councilid/councilid/broker/web"
)

// Who has lost their passkeys or their address gets back in by another way in
// that they have added to their account: signed in by that, they say which
// address is theirs, and it opens the account page.

// showRecover asks for the address.
func (c *Council) showRecover(w http.ResponseWriter, r *http.Request) error {
	return c.recoverPage(w, r, "", "")
}

func (c *Council) recoverPage(w http.ResponseWriter, r *http.Request, typed, problem string) error {
	return c.Site.Page(w, r, http.StatusOK, "council_recover", web.CouncilRecover{
		Problem: problem, Address: typed, Check: c.path("recover"), Back: c.path("account"),
	})
}

// takeRecover opens the account page of the user if the session in this browser
// is the same person's. Who has a passkey or a password gets back in only by a way
// in that was added with two factors: whoever reads their letters may add one to
// the account, and must not take it over by that. Of an address that nobody has,
// and of one that is somebody else's, the resident learns the same.
func (c *Council) takeRecover(w http.ResponseWriter, r *http.Request) error {
	b := c.counted(r)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	typed := r.PostFormValue("address")
	a, err := parseAddress(typed)
	if err != nil {
		return c.recoverPage(w, r, typed, web.ProblemAddress)
	}
	found, err := c.users.byAddress(r.Context(), a)
	if err != nil && !errors.Is(err, errNoUser) {
		return err
	}
	same, strong, err := c.Same(r, issuer(c.Issuer), found.ID)
	if err != nil {
		return err
	}
	who, err := c.users.holding(r.Context(), found)
	if err != nil {
		return err
	}
	guarded := len(who.passkeys) > 0 || who.Password != ""
	if found.ID == "" || !same || guarded && !strong {
		return c.recoverPage(w, r, typed, web.ProblemRecover)
	}
	return c.openDesk(w, r, who, byAccount, b)
}
