package council

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// showPassword asks for a password.
func (c *Council) showPassword(w http.ResponseWriter, r *http.Request, s *stay) error {
	if !c.Connector.Council.Passwords {
		return expired("there are no passwords")
	}
	return c.Site.Page(w, r, http.StatusOK, "council_password", web.CouncilPassword{
		Problem: s.Problem.on("password"), Address: s.Typed,
		Check: c.link("password", s.handle), Other: c.link("sign-in", s.handle), Help: c.link("help", s.handle), Cancel: c.link("cancel", s.handle),
	})
}

// takePassword goes on with whoever knows the password: where that is not
// enough, by a code.
func (c *Council) takePassword(w http.ResponseWriter, r *http.Request, s *stay) error {
	s.visit = visit{Browser: s.Browser, Account: s.Account, Need: s.Need, Typed: short(r.PostFormValue("address"), longestAddress)}
	who, err := c.knows(r, s.Typed, r.PostFormValue("password"))
	if _, often := errors.AsType[*store.Exceeded](err); often {
		return c.wrong(w, r, s, "password", web.ProblemPasswordsMany)
	}
	if errors.Is(err, errNoUser) {
		return c.wrong(w, r, s, "password", web.ProblemPasswordWrong)
	}
	if err != nil {
		return comeBack(err, c.link("password", s.handle))
	}
	if c.enough(s, byPassword) && !s.Account { // on the account page less than a code besides changes nothing
		return c.proved(w, r, s, who, byPassword)
	}
	s.User, s.Method = who.ID, byPassword
	if err := c.sendCode(r, s.handle, who.Address, s.use()); err != nil {
		return c.fails(w, r, s, "password", err)
	}
	return c.goTo(w, r, s, "code")
}

// knows finds the user whose address and password were typed. Where there is
// none the error is errNoUser, and takes as long to find out.
func (c *Council) knows(r *http.Request, typed, password string) (holder, error) {
	ctx := r.Context()
	a, err := parseAddress(typed)
	if err != nil || !c.Connector.Council.Passwords {
		return holder{}, errNoUser
	}
	if err := c.countPassword(r, a); err != nil {
		return holder{}, err
	}
	found, err := c.users.byAddress(ctx, a)
	if err != nil && !errors.Is(err, errNoUser) {
		return holder{}, err
	}
	ok, stale, err := c.hash.matches(ctx, password, found.Password)
	if err != nil {
		return holder{}, err
	}
	if !ok {
		return holder{}, errNoUser
	}
	if stale {
		if err := c.rehash(ctx, found, password); err != nil {
			return holder{}, err
		}
	}
	return c.users.holding(ctx, found)
}

// rehash hashes a password that was just shown anew, at today's cost. Where too
// many wait for that, the next sign-in will do.
func (c *Council) rehash(ctx context.Context, who user, password string) error {
	hash, err := c.hash.hash(ctx, password)
	if errors.Is(err, errBusy) {
		return nil
	}
	if err != nil {
		return err
	}
	return c.users.rehash(ctx, who, hash)
}

// comeBack is err, by which people are told where it is errBusy that they may try
// again in a moment, at that page.
func comeBack(err error, page string) error {
	if !errors.Is(err, errBusy) {
		return err
	}
	return &web.Error{Status: http.StatusServiceUnavailable, Message: web.Unavailable, Back: page, Retry: 30 * time.Second, Err: err}
}
