// Package keys signs what the broker says: its ID tokens, its logout tokens and
// its SAML messages.
//
// The keys live in the database, sealed under the master key, so that every
// node signs with the same ones. There is a line of keys, numbered by
// generation, for each algorithm of tokens and one for SAML. A new key for
// tokens is published for a day before it signs and an old one for a day after
// its successor took over, so that an app which keeps our key set for less than
// a day never meets a key it has not seen. The same day lets the nodes follow
// one another by reading the database once a minute. SAML keys are renewed on
// an operator's word alone, and are published for weeks before and after.
//
// A key that has leaked is got rid of by deleting its row: within a minute or
// so every node has forgotten it and signs with another of its line, made at
// once if there is none.
package keys

import (
	"cmp"
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
	Rotate time.Duration    // age at which a key for tokens is replaced; default 90 days
	Lead   time.Duration    // how long a SAML key is published before it signs and after it stopped; default 14 days
	Name   string           // common name of the SAML certificates; default councilid SAML
	Now    func() time.Time // default time.Now
	Log    *slog.Logger     // where Run reports trouble; default nowhere
}

// Ring holds the signing keys, ready for use. Its methods may be called by
// many requests at once; Sign, Verify, Public and SAML never touch the database.
type Ring struct {
	db     *db.DB
	seal   seal
	rotate time.Duration
	lead   time.Duration
	name   string
	now    func() time.Time
	log    *slog.Logger

	renewing sync.Mutex // one renewal at a time, so that an older reading never replaces a newer
	set      atomic.Pointer[set]
}

// Open reads the keys and makes those that are missing. At the first start
// that is one of each line, which takes about 200 ms, nearly all of it for RSA;
// later starts only read. Nodes that start together agree.
func Open(ctx context.Context, d *db.DB, o Options) (*Ring, error) {
	seal, err := newSeal(o.Master)
	if err != nil {
		return nil, err
	}
	o = o.withDefaults()
	r := &Ring{db: d, seal: seal, rotate: o.Rotate, lead: o.Lead, name: o.Name, now: o.Now, log: o.Log}
	r.set.Store(&set{})
	if err := r.renew(ctx, r.due); err != nil {
		return nil, err
	}
	return r, nil
}

func (o Options) withDefaults() Options {
	o.Rotate = cmp.Or(o.Rotate, 90*24*time.Hour)
	o.Lead = cmp.Or(o.Lead, 14*24*time.Hour)
	if o.Name == "" || len(o.Name) > 64 { // RFC 5280 appendix A.1: ub-common-name
		o.Name = "councilid SAML"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return o
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

// Rotate makes a successor to the newest key of a line ("RS256", "ES256" or
// "SAML") now. It is published at once and signs a day later, or after
// Options.Lead for SAML. While one of SAML waits no other is made: those who
// have to change certificates by hand should do it once.
func (r *Ring) Rotate(ctx context.Context, name string) error {
	if !slices.ContainsFunc(r.lines(), func(l line) bool { return l.name == name }) {
		return fmt.Errorf("rotate: there is no line of keys %q", name)
	}
	return r.renew(ctx, func(l line) bool {
		return r.due(l) || l.name == name && !(name == saml && l.waits(r.now()))
	})
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
	// RFC 8725 §3.1: no algorithm but ours, and each key is for one of them.
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
	if !ok || k.line != header.Algorithm {
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
