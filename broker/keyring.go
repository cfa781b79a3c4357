package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
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

// OpenKeyring opens the signing keys in the database that cfg names. It makes no
// embedded one.
func OpenKeyring(ctx context.Context, cfg *config.Config, log *slog.Logger) (*Keyring, error) {
	d, err := openExisting(ctx, cfg, log)
	if err != nil {
		return nil, err
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
