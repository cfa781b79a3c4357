package council

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// takePasskey signs in whoever's passkey answered.
func (c *Council) takePasskey(w http.ResponseWriter, r *http.Request, s *stay) error {
	who, p, err := c.usePasskey(r, s)
	if errors.Is(err, errPasskey) || errors.Is(err, errRegressed) {
		web.Annotate(r, slog.String("cause", err.Error()))
		return c.wrong(w, r, s, "sign-in", web.ProblemPasskey)
	}
	if err != nil {
		return err
	}
	return c.proved(w, r, s, who, p.method())
}

func (c *Council) usePasskey(r *http.Request, s *stay) (holder, passkey, error) {
	if c.keys == nil {
		return holder{}, passkey{}, errPasskey
	}
	expected, err := takeChallenge(r.Context(), c.Store, s.handle)
	if err != nil {
		return holder{}, passkey{}, err
	}
	who, p, count, err := c.keys.used(r.Context(), c.users, expected, r.PostFormValue("credential"))
	if err != nil {
		return holder{}, passkey{}, err
	}
	return who, p, c.users.usePasskey(r.Context(), p, count)
}

// laterCookie remembers that a resident does not want a passkey for now.
const (
	laterCookie = "passkey-later"
	laterTime   = 30 * 24 * time.Hour
)

// offers reports whether the visit leads on to a new passkey: to somebody who
// has none and may add one. Where less would do they are asked once a month.
func (c *Council) offers(r *http.Request, s *stay, who holder) (bool, error) {
	if c.keys == nil || s.Account || len(who.passkeys) > 0 {
		return false, nil
	}
	if _, err := r.Cookie(c.Site.Cookie(laterCookie)); err == nil && c.enough(s, s.Method) {
		return false, nil
	}
	return c.mayChange(r.Context(), who, s.Method)
}

// showNewPasskey offers a passkey to somebody who has signed in without one.
func (c *Council) showNewPasskey(w http.ResponseWriter, r *http.Request, s *stay) error {
	who, err := c.shown(r.Context(), s)
	if err != nil {
		return err
	}
	b := c.Store.Batch()
	question, err := c.keys.askMake(b, s.handle, who)
	if err != nil {
		return err
	}
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	return c.Site.Page(w, r, http.StatusOK, "council_passkey", web.CouncilPasskey{
		Problem: s.Problem.on("passkey/new"), Needed: !c.enough(s, s.Method),
		Passkey: web.Passkey{Action: c.link("passkey/new", s.handle), Question: question},
		Later:   c.link("later", s.handle),
	})
}

// shown is who has shown who they are in the visit and may add a passkey now.
func (c *Council) shown(ctx context.Context, s *stay) (holder, error) {
	if s.User == "" || c.keys == nil {
		return holder{}, expired("nobody has signed in in this visit")
	}
	who, err := c.users.holder(ctx, s.User)
	if errors.Is(err, errNoUser) {
		return holder{}, expired("the user was erased meanwhile")
	}
	if err != nil {
		return holder{}, err
	}
	may, err := c.mayChange(ctx, who, s.Method)
	if err == nil && !may {
		err = expired("the sign-in is not enough to add a passkey")
	}
	return who, err
}

// takeNewPasskey adds the passkey that the resident's device has made.
func (c *Council) takeNewPasskey(w http.ResponseWriter, r *http.Request, s *stay) error {
	who, err := c.shown(r.Context(), s)
	if err != nil {
		return err
	}
	err = c.addPasskey(r, s.handle, who)
	what := newPasskeyProblem(err)
	if errors.Is(err, errStale) {
		what = web.ProblemPasskeyNew
	}
	if what != "" {
		web.Annotate(r, slog.String("cause", err.Error()))
		return c.wrong(w, r, s, "passkey/new", what)
	}
	if err != nil {
		return err
	}
	if err := c.changed(r, who, web.DonePasskeyAdded); err != nil {
		return err
	}
	if c.enough(s, s.Method) {
		return c.answer(w, r, s, who, s.Method)
	}
	// To have made a passkey is not to have signed in by it.
	s.Saved, s.User, s.Method = true, "", ""
	return c.goTo(w, r, s, "sign-in")
}

// addPasskey checks the answer to the question under h, and keeps the passkey.
func (c *Council) addPasskey(r *http.Request, h store.Handle, who holder) error {
	expected, err := takeChallenge(r.Context(), c.Store, h)
	if err != nil {
		return err
	}
	p, err := c.keys.made(who, expected, r.PostFormValue("credential"))
	if err != nil {
		return err
	}
	p.Name = short(r.PostFormValue("name"), longestName)
	return c.users.addPasskey(r.Context(), who, p)
}

// newPasskeyProblem is what a resident is told of a passkey that was not added, one
// of web.Problem…; "" where err is not for them.
func newPasskeyProblem(err error) string {
	switch {
	case errors.Is(err, errMany):
		return web.ProblemPasskeysMany
	case errors.Is(err, errPasskey), errors.Is(err, errTaken):
		return web.ProblemPasskeyNew
	}
	return ""
}

// longestName is as much of a passkey's name as is kept.
const longestName = 60

// short is as much as is kept of what somebody typed: of what can be seen, for
// databases take no NUL, and some characters turn the text around that comes
// after them.
func short(typed string, most int) string {
	seen := func(r rune) rune {
		if !unicode.IsGraphic(r) || r == utf8.RuneError {
			return -1
		}
		return r
	}
	letters := []rune(strings.TrimSpace(strings.Map(seen, typed)))
	return string(letters[:min(len(letters), most)])
}

// later goes on without a passkey.
func (c *Council) later(w http.ResponseWriter, r *http.Request, s *stay) error {
	who, err := c.shown(r.Context(), s)
	if err != nil {
		return err
	}
	c.Site.SetCookie(w, laterCookie, "1", laterTime)
	if !c.enough(s, s.Method) {
		return c.reply(w, r, s, url.Values{"error": {"unmet"}})
	}
	return c.answer(w, r, s, who, s.Method)
}
