package council

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"golang.org/x/sync/errgroup"
)

// What tests of this package alone may use.
var (
	ParseAddress = parseAddress
	Breached     = breached
	Common       = common
)

// Crowd takes every place in the queue of passwords.
func (c *Council) Crowd() {
	for range hashesQueued {
		c.hash.queue <- struct{}{}
	}
}

// HashTogether hashes so many passwords at once.
func HashTogether(ctx context.Context, many int) error {
	h, g := newHasher(), new(errgroup.Group)
	for range many {
		g.Go(func() error {
			_, err := h.hash(ctx, "kettle marble ostrich")
			return err
		})
	}
	return g.Wait()
}

// HashInVain hashes a password while others take for ever.
func HashInVain(ctx context.Context) error {
	h := newHasher()
	for range hashedAtOnce {
		h.places <- struct{}{}
	}
	_, err := h.hash(ctx, "kettle marble ostrich")
	return err
}

// Vouched reports whether the authority vouches for the device that said it.
func Vouched(by *x509.Certificate, said protocol.AttestationObject) bool {
	v := vouchers{roots: x509.NewCertPool(), now: time.Now}
	v.roots.AddCert(by)
	return v.vouched(said)
}

// KeyAt is what a hash at another cost ends in.
func KeyAt(ctx context.Context, password, salt string, memory uint32) string {
	key, err := newHasher().key(ctx, password, []byte(salt), cost{memory: memory, passes: 2, lanes: 1}, 32)
	if err != nil {
		panic(err)
	}
	return base64.RawStdEncoding.EncodeToString(key)
}
