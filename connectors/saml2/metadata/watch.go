package metadata

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Source is where an entity's metadata comes from. Exactly one of Inline and
// Fetch is set.
type Source struct {
	Role     Role
	EntityID string // needed with Fetch, and where the document has several
	Inline   []byte
	// Fetch gets the document from where it is published. It bounds the size
	// of what it reads and the time that it takes.
	Fetch func(ctx context.Context) ([]byte, error)
	// Signer, where not nil, must have signed the document.
	Signer []*x509.Certificate
	// Refresh is how old a fetched document may be before it is fetched again,
	// default 6h; a shorter cacheDuration of the document goes before.
	Refresh time.Duration
	// KeepLastGood is how long after it was fetched the last good document is
	// used while fetching fails, default 72h; never past its validUntil.
	KeepLastGood time.Duration
	Now          func() time.Time
	Log          *slog.Logger
}

// How long after a fetch that failed the next one waits: residents wait for
// the first document, nobody does while the last good one serves.
const (
	pauseWithout = 5 * time.Second
	pauseWith    = time.Minute
)

// pauseRenewed is how long after a renewal the next one waits: anybody can bring
// a signature that no key made.
const pauseRenewed = time.Minute

// renewalLead is how long before the last certificate of an entity expires the
// log says so. Providers that renew once a year may need to be asked for it.
const renewalLead = 60 * 24 * time.Hour

// minRefresh is the shortest time between refreshes: a document that asks not
// to be cached does not make us fetch it for each sign-in.
const minRefresh = time.Minute

// Watched is an entity that is kept fresh.
type Watched struct {
	source Source

	flight singleflight.Group
	mu     sync.Mutex
	last   *Entity   // last good one
	loaded time.Time // when it was fetched
	due    time.Time // when it is fetched again
	tried  time.Time // when a fetch last ended
	err    error     // how it ended

	renewal singleflight.Group
	renewed time.Time // when Renew last had it fetched
}

// Watch makes a Watched. An inline document is parsed at once, but that it has
// expired is for Get to say: the program has to start all the same. One to be
// fetched is fetched when first needed.
func Watch(s Source) (*Watched, error) {
	switch {
	case (s.Inline == nil) == (s.Fetch == nil):
		return nil, errors.New("metadata is either inline or fetched")
	case s.Fetch != nil && s.EntityID == "":
		return nil, errors.New("metadata that is fetched needs the entity's ID")
	case s.Signer != nil && len(s.Signer) == 0:
		return nil, errors.New("metadata's signer has no certificate")
	}
	s.Refresh = cmp.Or(s.Refresh, 6*time.Hour)
	s.KeepLastGood = cmp.Or(s.KeepLastGood, 72*time.Hour)
	w := &Watched{source: s}
	if s.Fetch != nil {
		return w, nil
	}
	e, err := w.parse(s.Inline, time.Time{})
	if err != nil {
		return nil, err
	}
	w.take(e)
	return w, nil
}

// Get returns the entity as last read. It fetches only where there is none that
// may be used; refreshes are made in the background.
func (w *Watched) Get(ctx context.Context) (*Entity, error) {
	if w.source.Fetch == nil {
		if err := w.last.valid(w.source.Now()); err != nil {
			return nil, fmt.Errorf("%q: %w", w.last.ID, err)
		}
		return w.last, nil
	}
	w.mu.Lock()
	last, err, now := w.last, w.err, w.source.Now()
	usable, resting, due := w.usable(now), w.resting(now), !now.Before(w.due)
	w.mu.Unlock()

	switch {
	case usable && due && !resting:
		w.start(ctx)
		return last, nil
	case usable:
		return last, nil
	case resting:
		return nil, err
	}
	return w.wait(ctx)
}

// Renew returns the entity with other keys than known has, or nil where there
// are none. It is for whoever met a signature that known's keys did not make:
// the entity may have rolled them over since. The document is fetched for it,
// once for all who ask, unless that has just been done or has failed.
func (w *Watched) Renew(ctx context.Context, known *Entity) *Entity {
	if w.source.Fetch == nil {
		return nil
	}
	select {
	case r := <-w.renewal.DoChan("", func() (any, error) { return w.renew(ctx), nil }):
		if e := r.Val.(*Entity); e != nil && !e.sameKeys(known) {
			return e
		}
	case <-ctx.Done():
	}
	return nil
}

func (w *Watched) renew(ctx context.Context) *Entity {
	w.mu.Lock()
	last, now := w.last, w.source.Now()
	rest := w.resting(now) || now.Sub(w.renewed) < pauseRenewed
	if !rest {
		w.renewed = now
	}
	w.mu.Unlock()
	if rest {
		return last
	}
	r := <-w.start(ctx)
	return r.Val.(*Entity)
}

func (w *Watched) usable(now time.Time) bool {
	return w.last != nil && now.Sub(w.loaded) < w.source.KeepLastGood && w.last.valid(now) == nil
}

func (w *Watched) resting(now time.Time) bool {
	pause := pauseWithout
	if w.usable(now) {
		pause = pauseWith
	}
	return w.err != nil && now.Sub(w.tried) < pause
}

func (w *Watched) wait(ctx context.Context) (*Entity, error) {
	select {
	case r := <-w.start(ctx):
		return r.Val.(*Entity), r.Err
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for metadata: %w", ctx.Err())
	}
}

// start fetches in the background, once for all who ask meanwhile. It goes on
// when the caller that began it leaves, as others may wait for it.
func (w *Watched) start(ctx context.Context) <-chan singleflight.Result {
	return w.flight.DoChan("", func() (any, error) {
		e, err := w.fetch(context.WithoutCancel(ctx))
		w.mu.Lock()
		defer w.mu.Unlock()
		w.tried, w.err = w.source.Now(), err
		if err != nil {
			w.report(err)
			return e, err
		}
		w.take(e)
		return e, nil
	})
}

func (w *Watched) fetch(ctx context.Context) (*Entity, error) {
	raw, err := w.source.Fetch(ctx)
	if err != nil {
		return nil, fmt.Errorf("fetch metadata: %w", err)
	}
	e, err := w.parse(raw, w.source.Now())
	if err != nil {
		return nil, fmt.Errorf("fetched metadata: %w", err)
	}
	return e, nil
}

func (w *Watched) parse(raw []byte, now time.Time) (*Entity, error) {
	return Parse(raw, w.source.Role, w.source.EntityID, w.source.Signer, now)
}

// report logs that a refresh failed, as it has no caller who sees the error.
func (w *Watched) report(err error) {
	if w.last != nil {
		w.source.Log.Warn("metadata was not refreshed", "entity", w.last.ID, "error", err,
			"read", w.loaded, "used_until", w.until())
	}
}

// until is how long the last good entity may be used.
func (w *Watched) until() time.Time {
	until := w.loaded.Add(w.source.KeepLastGood)
	if v := w.last.ValidUntil; !v.IsZero() && v.Before(until) {
		return v
	}
	return until
}

// take makes the entity the last good one, and says in the log when its keys
// are others than before, cannot be read, or are about to be.
func (w *Watched) take(e *Entity) {
	if w.last != nil && !e.sameKeys(w.last) {
		w.source.Log.Info("metadata has other keys", "entity", e.ID,
			"before", fingerprints(w.last), "now", fingerprints(e))
	}
	if len(e.Ignored) > 0 {
		w.source.Log.Warn("metadata has keys that cannot be read", "entity", e.ID, "keys", e.Ignored)
	}
	if end := e.lastExpiry(); !end.IsZero() && w.source.Now().Add(renewalLead).After(end) {
		w.source.Log.Warn("metadata's last signing certificate expires", "entity", e.ID, "at", end)
	}
	w.last, w.loaded, w.due = e, w.tried, w.tried.Add(w.period(e))
}

// period is how long until the next refresh: up to a tenth less than what was
// asked for, so that the nodes of a cluster do not all fetch at once.
func (w *Watched) period(e *Entity) time.Duration {
	d := w.source.Refresh
	if e.CacheDuration > 0 {
		d = min(d, e.CacheDuration)
	}
	d = max(d, minRefresh)
	return d - rand.N(d/10)
}

// lastExpiry is when the certificate expires that lasts longest of those that
// sign; the zero time where none does.
func (e *Entity) lastExpiry() time.Time {
	var last time.Time
	for _, c := range e.Signing {
		if c.NotAfter.After(last) {
			last = c.NotAfter
		}
	}
	return last
}

func (e *Entity) sameKeys(other *Entity) bool {
	return slices.EqualFunc(keys(e), keys(other), (*x509.Certificate).Equal)
}

func keys(e *Entity) []*x509.Certificate { return slices.Concat(e.Signing, e.Encryption) }

// fingerprints are the starts of the certificates' SHA-256 digests, by which
// people compare them.
func fingerprints(e *Entity) []string {
	var all []string
	for _, c := range keys(e) {
		digest := sha256.Sum256(c.Raw)
		all = append(all, hex.EncodeToString(digest[:8]))
	}
	slices.Sort(all)
	return slices.Compact(all)
}
