package broker

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// ownWay opens a connector that leads to the broker's own pages.
func (b *Broker) ownWay(cfg *config.Config, c config.Connector, flow *login.Flow) (*council.Council, error) {
	post, err := b.post(cfg)
	if err != nil {
		return nil, err
	}
	return council.Open(council.Options{
		Connector: c, Post: post, Issuer: cfg.Broker.Issuer, Name: cfg.Broker.Look.Council,
		Store: b.store, DB: b.db, Site: flow.Site, Limit: flow.Limit, Now: time.Now, Log: b.log.With("connector", c.ID),
		Proven: proven(flow.Accounts), Same: same(flow),
		Changed: changed(flow, c.ID),
	})
}

// proven reports whether there is evidence of the person who signs in as an
// upstream subject.
func proven(people *accounts.Accounts) func(ctx context.Context, issuer, subject string) (bool, error) {
	return func(ctx context.Context, issuer, subject string) (bool, error) {
		level, err := people.Proven(ctx, issuer, subject)
		return level != mapping.Assurance{}, err
	}
}

// same reports whether somebody has just signed in, in the browser of r, by another
// way in of the person whose an upstream subject is, that is worth two factors and all
// that is proven of the person; and whether that was added in a session of two factors.
// While two people are taken for one, neither is the person whose the other one's ways
// in are.
func same(flow *login.Flow) func(*http.Request, string, string) (same, strong bool, err error) {
	return func(r *http.Request, issuer, subject string) (same, strong bool, err error) {
		s, err := flow.Current(r)
		if s == nil || err != nil || s.Issuer == issuer || time.Since(s.AuthTime) > recently {
			return false, false, err
		}
		together, err := flow.Accounts.Together(r.Context(), s.Account.ID, s.Link, accounts.Name{Issuer: issuer, Subject: subject})
		if errors.Is(err, accounts.ErrNotFound) {
			return false, false, nil // it was merged into another one a moment ago
		}
		if err != nil || !together {
			return false, false, err
		}
		need, err := flow.Accounts.Proven(r.Context(), issuer, subject)
		if err != nil {
			return false, false, err
		}
		need.Authenticator = mapping.Cm
		_, link, err := flow.Accounts.Reenter(r.Context(), s.Account.ID, s.Link)
		return s.Level.AtLeast(need), link.Inherit.Authenticator >= mapping.Cm, err
	}
}

// changed enters in the history of the account that a subject of the broker's own
// issuer leads to what was changed about that way in, and ends the sessions that were
// opened by the connector, but for the one of this browser.
func changed(flow *login.Flow, connector string) func(r *http.Request, issuer, subject, what string) error {
	return func(r *http.Request, issuer, subject, what string) error {
		ctx := r.Context()
		account, err := flow.Accounts.Whose(ctx, issuer, subject)
		if errors.Is(err, accounts.ErrUnknownLink) {
			return nil // nobody has come back from there yet
		}
		if err != nil {
			return err
		}
		noted := flow.Accounts.WayChanged(ctx, accounts.Name{Issuer: issuer, Subject: subject}, what)
		return errors.Join(noted, endOthers(r, flow, account, connector))
	}
}

// endOthers ends the sessions in an account that were opened by a connector, but for the
// one of this browser.
func endOthers(r *http.Request, flow *login.Flow, account, connector string) error {
	here, err := flow.Current(r)
	if err != nil {
		return err
	}
	open, err := flow.Sessions(r.Context(), account)
	for _, s := range open {
		if s.Connector == connector && (here == nil || s.SID != here.SID) {
			_, ended := flow.EndDevice(r.Context(), account, s.SID)
			err = errors.Join(err, ended)
		}
	}
	return err
}

// recently is how long ago somebody may have signed in to change how they do.
const recently = 15 * time.Minute
