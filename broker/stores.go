package broker

import (
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/config"
)

func (b *Broker) openStore(cfg *config.Config) (*store.Store, error) {
	o := store.Options{Observe: observe(b.metrics.redis), Log: b.log}
	if cfg.Broker.Redis == nil {
		b.log.Warn("session state is kept in this process: residents sign in again after a restart, and one node serves alone", "key", "redis")
		return store.Open(o)
	}
	var err error
	if o.Redis, err = redisOptions(cfg.Broker.Redis); err != nil {
		return nil, err
	}
	return store.Open(o)
}

func redisOptions(c *config.Redis) (*redis.UniversalOptions, error) {
	o := &redis.UniversalOptions{
		Addrs: c.Addresses, DB: c.Database, MasterName: c.Master, IsClusterMode: c.Mode == "cluster",
		Username: c.Username, Password: c.Password.Reveal(), SentinelPassword: c.SentinelPassword.Reveal(),
	}
	if c.TLS == nil {
		return o, nil
	}
	o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	if c.TLS.CA != "" {
		pem, err := os.ReadFile(c.TLS.CA)
		if err != nil {
			return nil, err
		}
		o.TLSConfig.RootCAs = x509.NewCertPool()
		if !o.TLSConfig.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("%s holds no certificate", c.TLS.CA)
		}
	}
	if c.TLS.Cert != "" {
		pair, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
		if err != nil {
			return nil, err
		}
		o.TLSConfig.Certificates = []tls.Certificate{pair}
	}
	return o, nil
}

func (b *Broker) openDB(ctx context.Context, cfg *config.Config) (*db.DB, error) {
	o := db.Options{Observe: observe(b.metrics.sql)}
	if d := cfg.Broker.Database; d != nil {
		o.SQLite, o.Postgres = d.SQLite, d.Postgres.Reveal()
	} else {
		o.SQLite = filepath.Join(cfg.Broker.DataDir, "councilid.db")
		b.log.Warn("accounts are kept in an SQLite file: one node serves alone", "key", "database", "file", o.SQLite)
	}
	if o.SQLite != "" {
		if err := os.MkdirAll(filepath.Dir(o.SQLite), 0o700); err != nil {
			return nil, err
		}
	}
	return db.Open(ctx, o)
}

// masterKey is the operator's, or one generated beside the embedded database.
func masterKey(cfg *config.Config, log *slog.Logger) ([]byte, error) {
	if cfg.Broker.MasterKey.Set() {
		return cfg.Broker.MasterKeyBytes()
	}
	name := filepath.Join(cfg.Broker.DataDir, "master.key")
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return newMasterKey(name, log)
	}
	if err != nil {
		return nil, err
	}
	key, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(key) != 32 {
		return nil, fmt.Errorf("%s does not hold 64 hexadecimal digits: restore it, for without it the signing keys cannot be read", name)
	}
	return key, nil
}

func newMasterKey(name string, log *slog.Logger) ([]byte, error) {
	key := make([]byte, 32)
	rand.Read(key)
	if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
		return nil, err
	}
	log.Warn("made a master key: keep a copy of it", "key", "master_key", "file", name)
	return key, os.WriteFile(name, []byte(hex.EncodeToString(key)), 0o600)
}
