package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/config"
)

// Row is one sign-in of the check: one app through one connector, then the
// other apps by single sign-on, then out of all of them.
type Row struct {
	App               string   `json:"app"`
	AppProtocol       string   `json:"app_protocol"`
	Connector         string   `json:"connector"`
	ConnectorProtocol string   `json:"connector_protocol"`
	Outcome           string   `json:"outcome"` // of the sign-in: ok, or what went wrong
	SSO               string   `json:"sso"`     // of the other apps: ok, or what went wrong
	Logout            string   `json:"logout"`  // out of every app: ok, or what went wrong
	MS                float64  `json:"ms"`      // the sign-in
	Subject           string   `json:"sub,omitempty"`
	Claims            []string `json:"claims,omitempty"` // names only
}

// OK reports whether everything succeeded.
func (r Row) OK() bool { return r.Outcome == "ok" && r.SSO == "ok" && r.Logout == "ok" }

// Check signs in through every app and connector with a browser of its own
// each time, as a resident with a full record.
func (s *Site) Check(ctx context.Context) []Row {
	var rows []Row
	for _, app := range s.Apps {
		for _, c := range s.Config.Connectors {
			rows = append(rows, s.check(ctx, app, c))
		}
	}
	return rows
}

func (s *Site) check(ctx context.Context, app *App, c config.Connector) Row {
	row := Row{
		App: app.ID, AppProtocol: app.Protocol, Connector: c.ID, ConnectorProtocol: protocol(c), SSO: "-", Logout: "-",
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	b, err := newBrowser(c.ID, "full-record")
	if err != nil {
		row.Outcome = err.Error()
		return row
	}
	b.letters = s.Letters
	started := time.Now()
	person, err := app.enter(ctx, b)
	row.MS = float64(time.Since(started).Microseconds()) / 1000
	row.Outcome = outcome(err)
	if err != nil {
		return row
	}
	row.Subject, row.Claims = person.Subject, person.Names()
	b.choose = "" // from here on nothing may be asked
	row.SSO = outcome(s.checkOthers(ctx, app, b))
	row.Logout = outcome(s.checkLogout(ctx, app, b))
	return row
}

func protocol(c config.Connector) string {
	switch {
	case c.SAML != nil:
		return "saml"
	case c.OAuth2 != nil:
		return "oauth2"
	case c.Council != nil:
		return "council"
	}
	return "oidc"
}

func outcome(err error) string {
	if err != nil {
		return err.Error()
	}
	return "ok"
}

// enter signs in at the app and asks it who is there.
func (a *App) enter(ctx context.Context, b *browser) (*Person, error) {
	hint := ""
	if b.choose != "" {
		hint = "?connector_hint=" + b.choose
	}
	at, err := b.get(ctx, a.Base+"/sign-in"+hint)
	if err != nil {
		return nil, err
	}
	if problem := at.text("problem"); problem != "" {
		return nil, errors.New(problem)
	}
	return a.whoIsThere(ctx, b)
}

// whoIsThere asks the app who is signed in.
func (a *App) whoIsThere(ctx context.Context, b *browser) (*Person, error) {
	at, err := b.get(ctx, a.Base+"/person.json")
	if err != nil {
		return nil, err
	}
	var person Person
	if err := json.Unmarshal(at.body, &person); err != nil {
		return nil, fmt.Errorf("read who signed in: %w", err)
	}
	return &person, nil
}

// checkOthers opens the other apps, which must ask for nothing and know the
// resident each by a subject of its own.
func (s *Site) checkOthers(ctx context.Context, app *App, b *browser) error {
	for _, other := range s.Apps {
		if other == app {
			continue
		}
		if _, err := other.enter(ctx, b); err != nil {
			return fmt.Errorf("%s: %w", other.ID, err)
		}
	}
	return nil
}

// checkLogout signs out at the app; then no app may know the resident, and the
// broker must ask again.
func (s *Site) checkLogout(ctx context.Context, app *App, b *browser) error {
	at, err := b.post(ctx, app.Base+"/sign-out")
	if err != nil {
		return err
	}
	if at.url.String() != app.Base+"/" {
		return fmt.Errorf("the resident was left at %s", at.url.Path)
	}
	for _, each := range s.Apps {
		if _, err := b.get(ctx, each.Base+"/person.json"); err == nil {
			return fmt.Errorf("%s is still signed in", each.ID)
		}
	}
	if at, err = b.get(ctx, app.Base+"/sign-in"); err != nil {
		return err
	}
	if at.url.Path != "/choose" {
		return errors.New("the broker still knows the resident")
	}
	return nil
}
