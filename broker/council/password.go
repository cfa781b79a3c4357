package council

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"
)

// cost is what it takes to try a password. It is written into each hash, so
// that it can be raised: who signs in with an older one gets a new hash.
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// errHash says that what is kept is no hash of ours.
var errHash = errors.New("the password's hash cannot be read")

// today is the first choice of RFC 9106 §4 for little memory, at the size that
// OWASP's list gives for sign-ins.
var today = cost{memory: 19 << 10, passes: 2, lanes: 1}

// hasher hashes passwords, so many at once: each takes 19 MiB, and a flood of
// sign-ins must not take it all. Nor does it hold up everybody for ever: so many
// wait, and for so long. Whether there is such a user makes no difference.
type hasher struct {
	places chan struct{} // one for each that is hashed
	queue  chan struct{} // one for each that waits
}

const (
	hashedAtOnce = 4
	hashesQueued = 64
	hashPatience = 3 * time.Second
)

// errBusy says that a password was not looked at.
var errBusy = errors.New("too many passwords are being hashed")

func newHasher() hasher {
	return hasher{places: make(chan struct{}, hashedAtOnce), queue: make(chan struct{}, hashesQueued)}
}

func (h hasher) key(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	if err := h.wait(ctx); err != nil {
		return nil, err
	}
	defer func() { <-h.places }()
	return argon2.IDKey([]byte(normal(password)), salt, c.passes, c.memory, c.lanes, size), nil
}

// wait takes a place.
func (h hasher) wait(ctx context.Context) error {
	select {
	case h.queue <- struct{}{}:
		defer func() { <-h.queue }()
	default:
		return errBusy
	}
	ctx, cancel := context.WithTimeoutCause(ctx, hashPatience, errBusy)
	defer cancel()
	select {
	case h.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// normal is one spelling for a password: an é is one letter, or two (NIST SP
// 800-63B-4 §3.1.1.2).
func normal(password string) string { return norm.NFKC.String(password) }

// hash is what is kept of a password.
func (h hasher) hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, 16)
	rand.Read(salt)
	key, err := h.key(ctx, password, salt, today, 32)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, today.memory, today.passes, today.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key)), nil
}

// nobodys is the hash of a password that nobody knows. It is tried where there
// is no user or no password, so that they cannot be told by the time it takes.
const nobodys = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// matches reports whether the password is the one that kept is the hash of, and
// whether its hash is stale. Of "" none is the hash.
func (h hasher) matches(ctx context.Context, password, kept string) (ok, stale bool, err error) {
	tried := kept
	if tried == "" {
		tried = nobodys
	}
	c, salt, want, err := parseHash(tried)
	if err != nil {
		return false, false, err
	}
	got, err := h.key(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	ok = subtle.ConstantTimeCompare(got, want) == 1 && kept != ""
	return ok, c != today, nil
}

func parseHash(kept string) (c cost, salt, key []byte, err error) {
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errHash
	}
	if _, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, errHash
	}
	salt, err1 := base64.RawStdEncoding.DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(key) < 16 || c.passes == 0 || c.lanes == 0 {
		return c, nil, nil, errHash
	}
	return c, salt, key, nil
}
