package keys

import (
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// overlap is how long a key is published before it signs, and again after
	// it stopped: longer than an ID token lives, and longer than an app may
	// keep our key set.
	overlap = 24 * time.Hour

	// memory is how long a key that is no longer published still verifies the
	// id_token_hint of an app that kept its ID token (OpenID Connect
	// RP-Initiated Logout §2). Then its row is deleted, private key and all.
	memory = 30 * 24 * time.Hour
)

// line is the keys of one algorithm in the order of their generations. Times
// follow from the order alone: a key signs until its successor does.
type line struct {
	alg  jose.SignatureAlgorithm
	keys []*key
}

// current is the newest key whose time has come. Where none has, because the
// one before it was deleted, the next in line steps in early. The line must
// not be empty.
func (l line) current(now time.Time) *key {
	for i := len(l.keys) - 1; i > 0; i-- {
		if !now.Before(l.keys[i].from) {
			return l.keys[i]
		}
	}
	return l.keys[0]
}

// published reports whether apps should know the i-th key.
func (l line) published(i int, now time.Time) bool {
	return i == len(l.keys)-1 || now.Before(l.keys[i+1].from.Add(overlap))
}

// forgotten reports whether the i-th key has no use any more.
func (l line) forgotten(i int, now time.Time) bool {
	return i < len(l.keys)-1 && now.After(l.keys[i+1].from.Add(overlap+memory))
}

// successor returns the generation that follows the line and when it may
// sign: the first at once, as nobody can have seen another key set.
func (l line) successor(now time.Time) (generation int, from time.Time) {
	if len(l.keys) == 0 {
		return 1, now
	}
	return l.keys[len(l.keys)-1].generation + 1, now.Add(overlap)
}

// due reports whether the line needs a successor so that its newest key stops
// signing at the age of Options.Rotate.
func (r *Ring) due(l line) bool {
	if len(l.keys) == 0 {
		return true
	}
	newest := l.keys[len(l.keys)-1]
	return !r.now().Before(newest.from.Add(r.rotate - overlap))
}

// set is what the lines mean at one moment.
type set struct {
	signs  map[jose.SignatureAlgorithm]*key
	known  map[string]*key // by kid
	public []jose.JSONWebKey
}

func arrange(lines []line, now time.Time) *set {
	s := &set{signs: map[jose.SignatureAlgorithm]*key{}, known: map[string]*key{}}
	for _, l := range lines {
		if len(l.keys) == 0 {
			continue // deleted this very moment; the next renewal makes one
		}
		s.signs[l.alg] = l.current(now)
		for i, k := range l.keys {
			s.known[k.id] = k
			if l.published(i, now) {
				s.public = append(s.public, k.public())
			}
		}
	}
	return s
}
