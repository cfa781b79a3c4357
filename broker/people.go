package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/council"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/config"
)

// people are the council identities, as the operator's folder has them believed and
// kept.
func people(d *db.DB, cfg *config.Config) *accounts.Accounts {
	sectors := map[string]string{}
	for _, app := range cfg.Apps {
		// An app that knows people by their claims knows by each way in what it knew
		// before a merge: there is no subject to keep for it.
		if app.SAML == nil || app.SAML.NameID.Value == "" {
			sectors[app.ID] = app.Sector
		}
	}
	all := accounts.Open(d, time.Now, cfg.Cap)
	all.CoolingOff, all.UndoTime = cfg.Broker.Residents.CoolingOff, cfg.Broker.Residents.Undo
	all.Sector = func(app string) string { return sectors[app] }
	return all
}

// keepers are the ways in that keep records of their own: the council's, which all
// share one set of people, whether or not it may be used now.
func (b *Broker) keepers(cfg *config.Config, flow *login.Flow) (map[string]accounts.Keeper, error) {
	for _, c := range cfg.Connectors {
		if c.Council == nil {
			continue
		}
		own, err := b.ownWay(cfg, c, flow)
		if err != nil {
			return nil, fmt.Errorf("connector %s: %w", c.ID, err)
		}
		return map[string]accounts.Keeper{cfg.Broker.Issuer + "/council": ownRecords{own}}, nil
	}
	return nil, nil
}

// ownRecords are what the council's own way in keeps of people.
type ownRecords struct{ *council.Council }

// Export implements accounts.Keeper.
func (o ownRecords) Export(ctx context.Context, subject string) (any, bool, error) {
	return o.Council.Export(ctx, subject)
}

// tidy deletes what has expired in SQL, and erases the accounts that leave. What is
// in Redis expires by itself.
func (h *house) tidy(ctx context.Context) error {
	people, keep := h.flow.Accounts, accounts.Retention{
		SignIns: h.keep.SignIns, Inactive: h.keep.Inactive, Delivered: h.keep.Delivered, Lookups: h.keep.Lookups,
	}
	err := errors.Join(h.op.Sweep(ctx), people.Sweep(ctx, keep, h.flow.Forget))
	for _, keeper := range people.Keepers {
		if own, ok := keeper.(ownRecords); ok {
			err = errors.Join(err, own.Sweep(ctx, h.keep.Unfinished))
		}
	}
	return err
}

// overTime is how often a node looks for what is over, and expiryTime for what time
// itself has ended.
const (
	overTime   = 5 * time.Second
	expiryTime = time.Minute
)

// endOver ends what was decided to be over, here or by a command, until ctx ends.
func (b *Broker) endOver(ctx context.Context) {
	often, sometimes := time.NewTicker(overTime), time.NewTicker(expiryTime)
	defer often.Stop()
	defer sometimes.Stop()
	for {
		flow := b.current.Load().flow
		var err error
		select {
		case <-ctx.Done():
			return
		case <-often.C:
			err = flow.EndOver(ctx)
		case <-sometimes.C:
			err = flow.Accounts.Expire(ctx)
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			b.log.Warn("what is over goes on for now", "err", err)
		}
	}
}

// Register is the council identities of a broker that need not be running, for the
// commands of officers and operators.
type Register struct {
	*accounts.Accounts
	db  *db.DB
	cfg *config.Config
	log *slog.Logger
}

// OpenRegister opens the database that cfg names. It makes no embedded one.
func OpenRegister(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Register, error) {
	d, err := openExisting(ctx, cfg, log)
	if err != nil {
		return nil, err
	}
	return &Register{people(d, cfg), d, cfg, log}, nil
}

// Close closes the database.
func (r *Register) Close() error { return r.db.Close() }

// Approve is [accounts.Accounts.Approve], of the accounts as they have been used until now.
func (r *Register) Approve(ctx context.Context, id, officer string) error {
	if err := r.catchUp(ctx, id); err != nil {
		return err
	}
	return r.Accounts.Approve(ctx, id, officer)
}

// ApproveUndo is [accounts.Accounts.ApproveUndo], of the accounts as they have been used
// until now.
func (r *Register) ApproveUndo(ctx context.Context, id, officer string) (left []string, err error) {
	if err := r.catchUp(ctx, id); err != nil {
		return nil, err
	}
	return r.Accounts.ApproveUndo(ctx, id, officer)
}

// catchUp has what happened to the accounts of a merge just now written down. Where
// session state is in the broker's own process nobody else sees it, and that one writes
// it down within a second.
func (r *Register) catchUp(ctx context.Context, merge string) (err error) {
	if r.cfg.Broker.Redis == nil {
		return nil
	}
	m, err := r.Merge(ctx, merge)
	if err != nil {
		return err
	}
	s, err := (&Broker{log: r.log, metrics: newMetrics()}).openStore(r.cfg)
	if err != nil {
		return fmt.Errorf("open redis: %w", err)
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return login.CatchUp(ctx, s, r.Accounts, m.Kept, m.Absorbed)
}

// openExisting opens the database that cfg names. It makes no embedded one: who looks
// at the folder elsewhere than where the broker runs would be shown what nobody uses.
func openExisting(ctx context.Context, cfg *config.Config, log *slog.Logger) (*db.DB, error) {
	if file := embedded(cfg); file != "" {
		if _, err := os.Stat(file); err != nil {
			return nil, fmt.Errorf("there is no database here yet, the broker makes it when it first serves: %w", err)
		}
	}
	b := &Broker{log: log, metrics: newMetrics()}
	d, err := b.openDB(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return d, nil
}
