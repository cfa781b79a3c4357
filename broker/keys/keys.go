// Package keys signs what the broker says: its ID tokens and its logout
// tokens.
//
// The keys live in the database, sealed under the master key, so that every
// node signs with the same ones. Each algorithm has a line of keys, numbered
// by generation. A new key is published for a day before it signs and an old
// one for a day after its successor took over, so that an app which keeps our
// key set for less than a day never meets a key it has not seen. The same day
// lets the nodes follow one another by reading the database once a minute.
//
// A key that has leaked is got rid of by deleting its row: within a minute or
// so every node has forgotten it and signs with another of its line, made at
// once if there is none.
package keys

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/broker/db"
)

// Options of a Ring.
type Options struct {
	Master []byte           // the master key, 32 bytes, the same on every node
	Rotate time.Duration    // age at which a key is replaced; default 90 days
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // where Run reports trouble; default nowhere
}

// Ring holds the signing keys, ready for use. Its methods may be called by
// many requests at once; Sign, Verify and Public never touch the database.
type Ring struct {
	db     *db.DB
	seal   seal
	rotate time.Duration
	now    func() time.Time
	log    *slog.Logger

	renewing sync.Mutex // one renewal at a time, so that an older reading never replaces a newer
	set      atomic.Pointer[set]
}

// Open reads the keys and makes those that are missing. At the first start
// that is one of each algorithm, which takes about 100 ms, nearly all of it
// for RSA; later starts only read. Nodes that start together agree.
func Open(ctx context.Context, d *db.DB, o Options) (*Ring, error) {
	seal, err := newSeal(o.Master)
	if err != nil {
		return nil, err
	}
	r := &Ring{db: d, seal: seal, rotate: o.Rotate, now: o.Now, log: o.Log}
	if r.rotate == 0 {
		r.rotate = 90 * 24 * time.Hour
	}
	if r.now == nil {
		r.now = time.Now
	}
	if r.log == nil {
		r.log = slog.New(slog.DiscardHandler)
	}
	r.set.Store(&set{})
	if err := r.renew(ctx, r.due); err != nil {
		return nil, err
	}
	return r, nil
}

// Run renews keys and follows the other nodes until ctx ends.
func (r *Ring) Run(ctx context.Context) {
	const every = time.Minute
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(every + rand.N(every/4)): // nodes that started together drift apart
		}
		if err := r.renew(ctx, r.due); err != nil && ctx.Err() == nil {
			r.log.ErrorContext(ctx, "signing keys were not renewed; those at hand stay in use", "err", err)
		}
	}
}

// Rotate makes a successor to the newest key of alg now. It is published at
// once and signs a day later.
func (r *Ring) Rotate(ctx context.Context, alg string) error {
	wanted := jose.SignatureAlgorithm(alg)
	if !slices.Contains(algorithms, wanted) {
		return fmt.Errorf("rotate: unknown algorithm %q", alg)
	}
	return r.renew(ctx, func(l line) bool { return l.alg == wanted || r.due(l) })
}

// Sign returns the compact JWS of claims under the current key of alg
// ("RS256" or "ES256"), with kid and, if not "", typ in its header.
func (r *Ring) Sign(alg, typ string, claims any) (string, error) {
	k, ok := r.set.Load().signs[jose.SignatureAlgorithm(alg)]
	if !ok {
		return "", fmt.Errorf("sign: no key for algorithm %q", alg)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	jws, err := k.sign(typ, payload)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return jws, nil
}

// Verify returns the claims of an ID token that the broker issued, expired or
// not, for as long as its key is remembered: a month after it was last
// published. Tokens of another type are refused.
//
// A kid that is not known is not looked up in the database: every node knows a
// key long before it signs.
func (r *Ring) Verify(jws string) ([]byte, error) {
	// RFC 8725 §3.1: no algorithm but ours, and each key fits one of them.
	parsed, err := jose.ParseSignedCompact(jws, algorithms)
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	header := parsed.Signatures[0].Protected
	// RFC 8725 §3.11: a logout token or an access token is no ID token.
	if typ, ok := header.ExtraHeaders[jose.HeaderType]; ok && typ != "JWT" {
		return nil, errors.New("verify: not an ID token")
	}
	k, ok := r.set.Load().known[header.KeyID]
	if !ok {
		return nil, errors.New("verify: not signed by a key of this broker")
	}
	claims, err := parsed.Verify(k.private.Public())
	if err != nil {
		return nil, fmt.Errorf("verify: %w", err)
	}
	return claims, nil
}

// Public returns every key that apps may meet: those that sign, are about to,
// or signed until lately.
func (r *Ring) Public() jose.JSONWebKeySet {
	return jose.JSONWebKeySet{Keys: slices.Clone(r.set.Load().public)}
}
