package council

import (
	"log/slog"
	"net/http"

	"github.com/councilid/councilid/broker/web"
)

// changed is what follows from a change to how the user signs in: they are told, it
// stands in their account's history, and whoever signed in as them in another browser
// is not signed in there any more.
func (c *Council) changed(r *http.Request, who holder, what string) error {
	c.notify(r, who.Address, what)
	return c.Changed(r, issuer(c.Issuer), who.ID, what)
}

// notify tells the user by mail that how they sign in was changed: the letters
// say in which words. If it was not them, they learn it, whoever did it. The
// change stands whether or not the letter arrives.
func (c *Council) notify(r *http.Request, to address, what string) {
	l, err := c.write(r, to, "changed", contents{What: what})
	if err == nil {
		_, err = c.Post.Start(r.Context(), l)
	}
	if err != nil {
		web.Annotate(r, slog.String("mail", err.Error()))
	}
}
