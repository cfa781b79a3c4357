package login

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// Whoever may act for somebody else at an app is asked for whom they come. What they
// say holds for that app's answer and for nothing else: the session stays their own,
// so that nothing of the principal's account can be seen or changed in it, and nothing
// that is proved in it counts for the principal.

// Acting is in whose stead an app is used: the session's Account is the principal's.
type Acting struct {
	Delegate accounts.Account // who acts
	Until    time.Time        // when the delegation is over

	said mapping.Statement // by the delegate's provider, of the delegate
}

// Subject is the delegate's identifier for the apps of a sector.
func (a *Acting) Subject(sector string) string { return a.Delegate.Subject(sector) }

// principal is for whom a resident has said, in a session, that they act.
type principal struct {
	SID        string `json:"sid"`
	Delegation string `json:"delegation,omitempty"` // by id; "" for themself
}

var (
	// principalTable remembers it for requests that may show no page, by session
	// and app.
	principalTable = store.Table[principal]{Name: "principal"}

	// actingIndex leads from a delegation to the SIDs of the sessions in which it
	// was used.
	actingIndex = store.Index{Name: "acting"}
)

func principalHandle(sid, app string) store.Handle {
	return store.Handle{Tag: sid, Secret: fingerprint("principal", app)}
}

// ErrNotDelegable says that a resident may not let somebody act for them like that.
var ErrNotDelegable = errors.New("this cannot be delegated")

// Invite has the account name somebody who may act for it at apps until a time: see
// [accounts.Accounts.Invite]. The apps must be such that somebody can act there, and
// the time no longer than the council allows.
func (f *Flow) Invite(ctx context.Context, account, link string, apps []string, until time.Time, label string) (
	code string, d accounts.Delegation, err error,
) {
	for _, app := range apps {
		if !f.Apps[app].Delegates {
			return "", d, fmt.Errorf("%w: nobody acts for somebody else at app %q", ErrNotDelegable, app)
		}
	}
	if until.After(f.Now().Add(f.Delegation)) {
		return "", d, fmt.Errorf("%w: for too long", ErrNotDelegable)
	}
	return f.Accounts.Invite(ctx, account, link, apps, until, label)
}

// settleActing makes s that of the person for whom the resident acts.
func (f *Flow) settleActing(ctx context.Context, l ongoing, s *Session, b *store.Batch) (*doubt, error) {
	if !f.Apps[l.Request.App].Delegates {
		return nil, nil
	}
	whom, err := f.whom(ctx, l, *s)
	if err != nil {
		return nil, err
	}
	if whom != nil {
		principalTable.Put(b, principalHandle(s.SID, l.Request.App), *whom, f.ends(*s).Sub(f.Now()))
		if whom.Delegation == "" {
			return nil, nil
		}
	}
	may, err := f.Accounts.ActsFor(ctx, s.Account.ID, l.Request.App)
	if err != nil || whom == nil && len(may) == 0 {
		return nil, err
	}
	i := slices.IndexFunc(may, func(d accounts.Delegation) bool { return whom != nil && d.ID == whom.Delegation })
	if i < 0 {
		return &doubt{"/acting", WhoseAccount}, nil
	}
	as, ok, err := f.actFor(ctx, l, *s, may[i])
	if err != nil || !ok {
		return &doubt{"/acting", WhoseAccount}, err
	}
	*s = as
	return nil, nil
}

// whom is for whom the resident has said that they act in s: just now, or before
// where no page may be shown. nil: they have not.
func (f *Flow) whom(ctx context.Context, l ongoing, s Session) (*principal, error) {
	if !l.Request.Passive {
		if l.For == nil || l.For.SID != s.SID {
			return nil, nil
		}
		return l.For, nil
	}
	b := f.Store.Batch()
	found := principalTable.Get(b, principalHandle(s.SID, l.Request.App))
	if err := b.Exec(ctx); err != nil {
		return nil, err
	}
	if p, ok := found.Value(); ok {
		return &p, nil
	}
	return nil, nil
}

// actFor is s in the stead of d's principal: ok is false where that is not enough for
// the app, or not possible any more. It is worth no more than the delegate is and no
// more than the principal is: the app learns of the principal what may be told in such
// a session.
func (f *Flow) actFor(ctx context.Context, l ongoing, s Session, d accounts.Delegation) (as Session, ok bool, err error) {
	d, account, err := f.Accounts.Delegation(ctx, d.ID, l.Request.App)
	if errors.Is(err, accounts.ErrWithdrawn) {
		return s, false, nil
	}
	if err != nil {
		return s, false, err
	}
	as = f.inStead(s, account)
	as.Acting, as.Basis.Delegation = &Acting{Delegate: s.Account, Until: d.Until, said: s.Said}, d.ID
	return as, f.situation(l, &s).needs.enough(as.Level), nil
}

// inStead is s in the stead of an account's person.
func (f *Flow) inStead(s Session, account accounts.Account) Session {
	s.Account = account
	s.Level.Identity, s.Level.Residency = min(s.Level.Identity, account.Level.Identity), min(s.Level.Residency, account.Level.Residency)
	s.Said, s.Told = mapping.Told(f.Precedence.Weigh(account.Words, mapping.Sitting{Worth: s.Level, Now: f.Now()})), mapping.Statement{}
	return s
}

// Invited is to what a code invites the resident of s, and the principal's name: "" where
// it may not be told them. See [accounts.Accounts.Invited].
func (f *Flow) Invited(ctx context.Context, s Session, code string) (d accounts.Delegation, name string, err error) {
	d, principal, err := f.Accounts.Invited(ctx, s.Account.ID, code)
	if err != nil {
		return d, "", err
	}
	return d, f.inStead(s, principal).Said.Claims.Text("name"), nil
}

// Principal is the name of whom the resident of s may act for by d: "" where it may not be
// told them, or nobody may act for that person now.
func (f *Flow) Principal(ctx context.Context, s Session, d accounts.Delegation) (string, error) {
	if len(d.Apps) == 0 {
		return "", nil
	}
	_, principal, err := f.Accounts.Delegation(ctx, d.ID, d.Apps[0])
	if errors.Is(err, accounts.ErrWithdrawn) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return f.inStead(s, principal).Said.Claims.Text("name"), nil
}

// handleActing asks for whom the resident comes.
func (f *Flow) handleActing(w http.ResponseWriter, r *http.Request) error {
	l, s, err := f.due(r)
	if err != nil {
		return err
	}
	if s == nil || !f.Apps[l.Request.App].Delegates {
		http.Redirect(w, r, l.link("/choose"), http.StatusSeeOther)
		return nil
	}
	page := web.Acting{
		App: f.appLabel(r, l.Request.App), Cancel: l.link("/cancel"),
		Action: "/acting", Fields: map[string]string{"request": l.tag},
	}
	may, err := f.Accounts.ActsFor(r.Context(), s.Account.ID, l.Request.App)
	if err != nil {
		return err
	}
	for _, d := range may {
		p, err := f.person(r.Context(), l, *s, d)
		if err != nil {
			return err
		}
		page.People = append(page.People, p)
	}
	return f.Site.Page(w, r, http.StatusOK, "acting", page)
}

// person is one for whom the resident may act, as the page has it.
func (f *Flow) person(ctx context.Context, l ongoing, s Session, d accounts.Delegation) (web.Principal, error) {
	as, ok, err := f.actFor(ctx, l, s, d)
	if err != nil {
		return web.Principal{}, err
	}
	p := web.Principal{ID: d.ID, Name: as.Said.Claims.Text("name"), Since: web.DateOf(d.Accepted), Until: web.DateOf(d.Until)}
	if !ok {
		p.Not = web.NotSure
		return p, nil
	}
	withheld, err := f.settleConsent(ctx, l, &as)
	if withheld != nil {
		p.Not = web.NotShared
	}
	return p, err
}

// answerActing goes on as the resident says.
func (f *Flow) answerActing(w http.ResponseWriter, r *http.Request) error {
	v := f.visitor(r)
	l, s, err := f.claim(r, v)
	if err != nil {
		return err
	}
	l.For = nil
	if answer := hint(r.PostFormValue("answer")); s != nil && answer != "" {
		l.For = &principal{SID: s.SID}
		if answer != "self" {
			l.For.Delegation = answer
		}
	}
	return f.carryOn(w, r, v, l, s)
}
