package keys

// STUB: signatures agreed; implementation follows.

import (
	"context"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/go-jose/go-jose/v4"
)

type Options struct {
	Master []byte // 32 bytes
	Rotate time.Duration
	Now    func() time.Time
}

type Ring struct{}

func Open(ctx context.Context, d *db.DB, o Options) (*Ring, error) { panic("stub") }

// Run renews keys and follows the other nodes until ctx ends.
func (r *Ring) Run(ctx context.Context) { panic("stub") }

// Sign returns the compact JWS of claims under the current key of alg
// ("RS256" or "ES256"), with kid and, if not "", typ in its header.
func (r *Ring) Sign(alg, typ string, claims any) (string, error) { panic("stub") }

// Public returns every key that apps may meet.
func (r *Ring) Public() jose.JSONWebKeySet { panic("stub") }

// Seal and Open encrypt small values under the master key (AES-256-GCM).
func (r *Ring) Rotate(ctx context.Context, alg string) error { panic("stub") }
