package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/config"
)

// Keyring is the signing keys of a broker that need not be running, for the
// commands that look after them. A running one follows within a minute.
type Keyring struct {
	*keys.Ring
	db *db.DB
}

// OpenKeyring opens the database that cfg names and the signing keys in it. It
// makes no embedded database: who looks at the folder elsewhere than where the
// broker runs would be shown keys that nobody uses.
func OpenKeyring(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Keyring, error) {
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
	ring, err := openRing(ctx, cfg, d, log)
	if err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return &Keyring{ring, d}, nil
}

// embedded is the file of an SQLite database, or "".
func embedded(cfg *config.Config) string {
	if d := cfg.Broker.Database; d != nil {
		return d.SQLite
	}
	return filepath.Join(cfg.Broker.DataDir, "councilid.db")
}

// Close closes the database.
func (k *Keyring) Close() error { return k.db.Close() }

// openRing opens the signing keys in d as cfg has them.
func openRing(ctx context.Context, cfg *config.Config, d *db.DB, log *slog.Logger) (*keys.Ring, error) {
	master, err := masterKey(cfg, log)
	if err != nil {
		return nil, err
	}
	issuer, err := url.Parse(cfg.Broker.Issuer)
	if err != nil {
		return nil, fmt.Errorf("issuer: %w", err)
	}
	ring, err := keys.Open(ctx, d, keys.Options{
		Master: master, Rotate: cfg.Broker.Keys.Rotate, Lead: cfg.Broker.Keys.SAMLLead, Name: issuer.Hostname(), Now: time.Now, Log: log,
	})
	if err != nil {
		return nil, fmt.Errorf("open signing keys: %w", err)
	}
	return ring, nil
}
