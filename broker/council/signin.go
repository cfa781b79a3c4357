package council

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/onetime"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// showSignIn is the first page.
func (c *Council) showSignIn(w http.ResponseWriter, r *http.Request, s *stay) error {
	page := web.CouncilSignIn{
		Problem: s.Problem.on("sign-in"), Saved: s.Saved, Strong: !c.enough(s, byCode), Address: s.Typed,
		Passkey: web.Passkey{Action: c.link("passkey", s.handle)}, Send: c.link("address", s.handle),
		Help: c.link("help", s.handle), Cancel: c.link("cancel", s.handle),
	}
	if c.Connector.Council.Passwords {
		page.Password = c.link("password", s.handle)
	}
	b := c.Store.Batch()
	if c.keys != nil {
		var err error
		if page.Passkey.Question, err = c.keys.askUse(b, s.handle); err != nil {
			return err
		}
	}
	s.put(b)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return c.Site.Page(w, r, http.StatusOK, "council_sign_in", page)
}

// takeAddress sends a code to the address that was typed. Nobody learns whether
// it is known: signing in and creating an account are one thing here.
func (c *Council) takeAddress(w http.ResponseWriter, r *http.Request, s *stay) error {
	s.visit = visit{Browser: s.Browser, Account: s.Account, Need: s.Need, Typed: short(r.PostFormValue("address"), longestAddress)}
	to, err := parseAddress(s.Typed)
	if err != nil {
		return c.wrong(w, r, s, "sign-in", web.ProblemAddress)
	}
	s.Typed = to.Text
	if err := c.sendCode(r, s.handle, to, s.use()); err != nil {
		return c.fails(w, r, s, "sign-in", err)
	}
	return c.goTo(w, r, s, "code")
}

// fails leads to the page that tells the resident what was wrong, where err is
// for them.
func (c *Council) fails(w http.ResponseWriter, r *http.Request, s *stay, page string, err error) error {
	what := problemOf(err)
	if what == "" {
		return err
	}
	return c.wrong(w, r, s, page, what)
}

// problemOf is what a resident is told of err, one of web.Problem…; "" where it
// is not for them.
func problemOf(err error) string {
	_, often := errors.AsType[*store.Exceeded](err)
	switch {
	case often:
		return web.ProblemCodesMany
	case errors.Is(err, onetime.ErrWrong):
		return web.ProblemCodeWrong
	case errors.Is(err, onetime.ErrSpent):
		return web.ProblemCodeSpent
	case errors.Is(err, mail.ErrNotSent):
		return web.ProblemMail
	}
	return ""
}

// showCode asks for the code.
func (c *Council) showCode(w http.ResponseWriter, r *http.Request, s *stay) error {
	return c.Site.Page(w, r, http.StatusOK, "council_code", web.CouncilCode{
		Problem: s.Problem.on("code"), Address: s.Typed, Minutes: codeMinutes,
		Check: c.link("code", s.handle), Again: c.link("address", s.handle), Other: c.link("sign-in", s.handle), Cancel: c.link("cancel", s.handle),
	})
}

// takeCode goes on once the code has shown that the resident reads the address.
func (c *Council) takeCode(w http.ResponseWriter, r *http.Request, s *stay) error {
	shown, err := c.redeem(r.Context(), s.handle, s.use(), r.PostFormValue("code"))
	if err != nil {
		return c.fails(w, r, s, "code", err)
	}
	who, err := c.users.enter(r.Context(), shown)
	if err != nil {
		return err
	}
	m := byCode
	if s.Method == byPassword && s.User == who.ID {
		m = byPasswordCode
	}
	if m == byCode && !c.codesSignIn(who) {
		return c.wrong(w, r, s, "sign-in", web.ProblemCodeOff)
	}
	return c.proved(w, r, s, who, m)
}

// codesSignIn reports whether a code alone may sign the user in. Whoever has
// nothing else always needs it.
func (c *Council) codesSignIn(who holder) bool {
	on := c.Connector.Council.EmailCodes
	return on == nil || *on || len(who.passkeys) == 0 && who.Password == ""
}

// proved goes on with somebody who has shown who they are: back to the broker if
// that is enough, by way of a passkey of their own if they would like one.
func (c *Council) proved(w http.ResponseWriter, r *http.Request, s *stay, who holder, m method) error {
	s.User, s.Method, s.Problem = who.ID, m, problem{}
	offer, err := c.offers(r, s, who)
	if err != nil {
		return err
	}
	if offer {
		return c.goTo(w, r, s, "passkey/new")
	}
	if !c.enough(s, m) {
		return c.wrong(w, r, s, "sign-in", web.ProblemWeak)
	}
	return c.answer(w, r, s, who, m)
}

// cancel leads back without having signed in.
func (c *Council) cancel(w http.ResponseWriter, r *http.Request, s *stay) error {
	if s.Account {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return nil
	}
	return c.reply(w, r, s, url.Values{"error": {"access_denied"}})
}

// showHelp says what to do for those who cannot sign in.
func (c *Council) showHelp(w http.ResponseWriter, r *http.Request, s *stay) error {
	return c.Site.Page(w, r, http.StatusOK, "council_help", web.CouncilHelp{
		SignIn: c.link("sign-in", s.handle), Cancel: c.link("cancel", s.handle), Recover: c.path("recover"),
	})
}
