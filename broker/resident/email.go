package resident

import (
	"embed"
	"errors"
	"net/http"
	netmail "net/mail"
	"net/url"
	"strings"

	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/onetime"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

//go:embed letters/*.txt
var letters embed.FS

// contents are what the letters are about.
type contents struct {
	Code          string
	Minutes       int
	Council, Site string // who writes
}

func (p *Pages) showEmail(w http.ResponseWriter, r *http.Request, v *visit) error {
	return p.edit(w, r, v, "email")
}

// takeEmail sends a code to the address that was typed.
func (p *Pages) takeEmail(w http.ResponseWriter, r *http.Request, v *visit) error {
	if r.PostFormValue("unsay") != "" {
		return p.unsay(w, r, v, "email")
	}
	address, ok := parseAddress(r.PostFormValue("said"))
	if !ok {
		return p.wrong(w, r, v, "said", web.WrongAddress)
	}
	h, err := p.sendCode(r, v, address)
	if _, often := errors.AsType[*store.Exceeded](err); often {
		return p.wrong(w, r, v, "said", web.WrongTooManyCodes)
	}
	if errors.Is(err, mail.ErrNotSent) {
		return p.wrong(w, r, v, "said", web.WrongNoMail)
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, "/my/details/email/code?sent="+url.QueryEscape(h.String()), http.StatusSeeOther)
	return nil
}

// parseAddress reads an e-mail address and nothing besides.
func parseAddress(typed string) (address string, ok bool) {
	typed = strings.TrimSpace(typed)
	a, err := netmail.ParseAddress(typed)
	if err != nil || a.Address != typed || len(typed) > 254 || !strings.Contains(typed[strings.LastIndex(typed, "@")+1:], ".") {
		return "", false
	}
	return typed, true
}

// codes are those on their way.
func (p *Pages) codes() onetime.Codes { return onetime.Codes{Store: p.Flow.Store, Now: p.Now} }

// emailUse is what a code is good for: the address is the account's in this session,
// which is one browser's.
func (v *visit) emailUse() onetime.Use {
	return onetime.Use{For: "email", Who: v.Account.ID, Browser: v.SID}
}

// sendCode sends a code to the address.
func (p *Pages) sendCode(r *http.Request, v *visit, address string) (store.Handle, error) {
	if p.Post == nil {
		return store.Handle{}, mail.ErrNotSent
	}
	h := store.NewHandle()
	code, err := p.codes().New(r.Context(), h, onetime.Ask{To: address, Use: v.emailUse(), Network: p.network(r)})
	if err != nil {
		return store.Handle{}, err
	}
	l, err := mail.Write(letters, address, v.lang, "email", contents{
		Code: code, Minutes: int(onetime.Lifetime.Minutes()), Council: p.Council, Site: p.Site,
	})
	if err != nil {
		return store.Handle{}, err
	}
	return h, p.Post.Send(r.Context(), l)
}

// showCode asks for the code.
func (p *Pages) showCode(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, _ := store.ParseHandle(r.URL.Query().Get("sent"))
	to, err := p.codes().Waiting(r.Context(), h, v.emailUse())
	if errors.Is(err, onetime.ErrSpent) {
		return p.wrongOn(w, r, v, "/my/details/email", "said", web.WrongCodeSpent)
	}
	if err != nil {
		return err
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_code", web.ResidentEmail{
		Own: v.page(web.HereDetails), Address: to, Minutes: int(onetime.Lifetime.Minutes()),
	})
}

// takeCode keeps the address once the code has shown that the resident reads it.
func (p *Pages) takeCode(w http.ResponseWriter, r *http.Request, v *visit) error {
	h, _ := store.ParseHandle(r.URL.Query().Get("sent"))
	address, err := p.codes().Redeem(r.Context(), h, v.emailUse(), r.PostFormValue("code"))
	switch {
	case errors.Is(err, onetime.ErrWrong):
		return p.wrong(w, r, v, "code", web.WrongCode)
	case errors.Is(err, onetime.ErrSpent):
		return p.wrongOn(w, r, v, "/my/details/email", "said", web.WrongCodeSpent)
	case err != nil:
		return err
	}
	said := mapping.Statement{Claims: mapping.Claims{"email": address, "email_verified": true}, Verified: []string{"email"}}
	if err := p.Flow.Accounts.Say(r.Context(), v.Account.ID, said); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/details", web.DidSayEmail)
}
