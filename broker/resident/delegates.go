package resident

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// showDelegates shows who acts for the resident, and for whom they act.
func (p *Pages) showDelegates(w http.ResponseWriter, r *http.Request, v *visit) error {
	given, received, err := p.Flow.Accounts.Delegations(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	principals, err := p.principals(r.Context(), v, received)
	if err != nil {
		return err
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_delegates", web.ResidentDelegates{
		Own: v.page(""), Given: p.delegates(v, given), Received: principals,
		MayInvite: len(p.delegating()) > 0, Code: v.told.typed("code", ""), Days: v.told.typed("days", ""),
	})
}

// delegates are those that hold or wait for an answer.
func (p *Pages) delegates(v *visit, all []accounts.Delegation) []web.Delegate {
	var shown []web.Delegate
	for _, d := range all {
		waiting := p.waiting(d)
		if !waiting && !d.Holds(p.Now()) {
			continue
		}
		one := web.Delegate{ID: d.ID, Label: d.Label, Until: web.DateOf(d.Until), Waiting: waiting}
		for _, id := range d.Apps {
			one.Services = append(one.Services, cmp.Or(p.app(v, id), id))
		}
		shown = append(shown, one)
	}
	return shown
}

// principals are delegates, seen from whom they are for: with the names of those who
// named them, as far as they may be told.
func (p *Pages) principals(ctx context.Context, v *visit, received []accounts.Delegation) ([]web.Delegate, error) {
	shown := p.delegates(v, received)
	for i := range shown {
		d := received[slices.IndexFunc(received, func(d accounts.Delegation) bool { return d.ID == shown[i].ID })]
		name, err := p.Flow.Principal(ctx, *v.Session, d)
		if err != nil {
			return nil, err
		}
		shown[i].Principal = name
	}
	return shown, nil
}

// waiting reports whether somebody may still accept d.
func (p *Pages) waiting(d accounts.Delegation) bool {
	return d.Accepted.IsZero() && d.Ended.IsZero() && d.Expires.After(p.Now())
}

// delegating are the apps, by id, that let people act for others.
func (p *Pages) delegating() []string {
	var ids []string
	for id, app := range p.Flow.Apps {
		if app.Delegates {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// endDelegation ends that somebody acts for the resident, or the resident for them.
func (p *Pages) endDelegation(w http.ResponseWriter, r *http.Request, v *visit) error {
	_, err := p.Flow.EndDelegation(r.Context(), v.Account.ID, r.PostFormValue("end"))
	if errors.Is(err, accounts.ErrNoDelegation) {
		return notFound("no such delegation of the account")
	}
	if err != nil {
		return err
	}
	return p.done(w, r, v, "/my/delegates", web.DidEndDelegation)
}

// showInvite asks who may act for the resident, where, and until when.
func (p *Pages) showInvite(w http.ResponseWriter, r *http.Request, v *visit) error {
	last := p.Now().Add(p.Flow.Delegation).In(web.London()).AddDate(0, 0, -1)
	page := web.ResidentInvite{
		Own: v.page(""), Label: v.told.typed("label", ""), Latest: last.Format("2 1 2006"),
		Day: v.told.typed("day", ""), Month: v.told.typed("month", ""), Year: v.told.typed("year", ""),
	}
	for _, id := range p.delegating() {
		page.Services = append(page.Services, web.Choice{ID: id, Label: p.app(v, id), Chosen: slices.Contains(v.told.Typed["app"], id)})
	}
	if len(page.Services) == 0 {
		return notFound("no app lets people act for others")
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_invite", page)
}

// invite makes a code, which is shown once.
func (p *Pages) invite(w http.ResponseWriter, r *http.Request, v *visit) error {
	label := strings.TrimSpace(r.PostFormValue("label"))
	apps := slices.DeleteFunc(p.delegating(), func(id string) bool { return !slices.Contains(r.PostForm["app"], id) })
	until, wrong := p.until(r)
	var problems []web.Problem
	if label == "" || utf8.RuneCountInString(label) > longestName {
		problems = append(problems, web.Problem{Field: "label", What: web.WrongLabel})
	}
	if len(apps) == 0 {
		problems = append(problems, web.Problem{Field: "app-0", What: web.WrongNoServices})
	}
	if wrong != "" {
		problems = append(problems, web.Problem{Field: "day", What: wrong})
	}
	if len(problems) > 0 {
		return p.wrongs(w, r, v, problems...)
	}
	wrong, err := p.tooMany(r, v)
	if err != nil {
		return err
	}
	if wrong != "" {
		return p.wrong(w, r, v, "label", wrong)
	}
	code, d, err := p.Flow.Invite(r.Context(), v.Account.ID, v.Link, apps, until, label)
	if err != nil {
		return err
	}
	days := strconv.Itoa(max(1, int(d.Expires.Sub(d.Created)/(24*time.Hour))))
	return p.leave(w, r, v, "/my/delegates", word{Page: "/my/delegates", Typed: map[string][]string{"code": {code}, "days": {days}}})
}

// Of every invitation the account's mailboxes hear, and its history is full of them:
// nobody needs more.
const (
	mostWaiting = 20
	mostInvited = 10 // in an hour
)

// tooMany counts an invitation and says what is wrong with one more.
func (p *Pages) tooMany(r *http.Request, v *visit) (wrong string, err error) {
	given, _, err := p.Flow.Accounts.Delegations(r.Context(), v.Account.ID)
	if err != nil {
		return "", err
	}
	open := slices.DeleteFunc(given, func(d accounts.Delegation) bool { return !p.waiting(d) })
	if len(open) >= mostWaiting {
		return web.WrongTooManyOpen, nil
	}
	err = p.within(r.Context(), "resident-invite:"+v.Account.ID, store.Limit{PerHour: mostInvited})
	if _, often := errors.AsType[*store.Exceeded](err); often {
		return web.WrongTooManyInvited, nil
	}
	return "", err
}

// until is the end of the day that was typed, or what is wrong with it.
func (p *Pages) until(r *http.Request) (until time.Time, wrong string) {
	var numbers [3]int
	for i, field := range []string{"year", "month", "day"} {
		var err error
		if numbers[i], err = strconv.Atoi(strings.TrimSpace(r.PostFormValue(field))); err != nil {
			return time.Time{}, web.WrongDate
		}
	}
	day := time.Date(numbers[0], time.Month(numbers[1]), numbers[2], 0, 0, 0, 0, web.London())
	if day.Format("2006-1-2") != fmt.Sprintf("%d-%d-%d", numbers[0], numbers[1], numbers[2]) || !day.After(p.Now()) {
		return time.Time{}, web.WrongDate
	}
	until = day.AddDate(0, 0, 1).Add(-time.Second)
	if until.After(p.Now().Add(p.Flow.Delegation)) {
		return time.Time{}, web.WrongDateLate
	}
	return until, ""
}
