package keys

import (
	"time"

	"github.com/go-jose/go-jose/v4"
)

const (
	// overlap is how long a key for tokens is published before it signs, and
	// again after it stopped: longer than an ID token lives, and longer than an
	// app may keep our key set.
	overlap = 24 * time.Hour

	// memory is how long a key that is no longer published still verifies the
	// id_token_hint of an app that kept its ID token (OpenID Connect
	// RP-Initiated Logout §2). Then its row is deleted, private key and all.
	memory = 30 * 24 * time.Hour
)

// line is the keys for one use in the order of their generations. Times follow
// from the order alone: a key signs until its successor does.
type line struct {
	name    string        // RS256, ES256 or SAML
	age     time.Duration // at which a key is replaced; 0 for never
	overlap time.Duration // how long a key is published before it signs and after it stopped
	memory  time.Duration // how long one that is no longer published is of use
	keys    []*key
}

// lines returns each line, without its keys.
func (r *Ring) lines() []line {
	var all []line
	for _, alg := range algorithms {
		all = append(all, line{name: string(alg), age: r.rotate, overlap: overlap, memory: memory})
	}
	return append(all, line{name: saml, overlap: r.lead})
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

// published reports whether others should know the i-th key.
func (l line) published(i int, now time.Time) bool {
	return i == len(l.keys)-1 || now.Before(l.withdrawn(i))
}

// withdrawn is when the i-th key, which has a successor, is published no more.
func (l line) withdrawn(i int) time.Time { return l.keys[i+1].from.Add(l.overlap) }

// forgotten reports whether the i-th key has no use any more.
func (l line) forgotten(i int, now time.Time) bool {
	return i < len(l.keys)-1 && now.After(l.withdrawn(i).Add(l.memory))
}

// successor returns the generation that follows the line and when it may
// sign: the first at once, as nobody can have seen another key.
func (l line) successor(now time.Time) (generation int, from time.Time) {
	if len(l.keys) == 0 {
		return 1, now
	}
	return l.keys[len(l.keys)-1].generation + 1, now.Add(l.overlap)
}

// waits reports whether a key is published that does not sign yet.
func (l line) waits(now time.Time) bool {
	return len(l.keys) > 0 && l.keys[len(l.keys)-1].from.After(now)
}

// due reports whether the line needs a successor so that its newest key stops
// signing when it is as old as the line allows.
func (r *Ring) due(l line) bool {
	if len(l.keys) == 0 {
		return true
	}
	newest := l.keys[len(l.keys)-1]
	return l.age > 0 && !r.now().Before(newest.from.Add(l.age-l.overlap))
}

// set is what the lines mean at one moment.
type set struct {
	lines  []line
	signs  map[jose.SignatureAlgorithm]*key
	known  map[string]*key // by kid
	public []jose.JSONWebKey
	saml   []Credential
}

func arrange(lines []line, now time.Time) *set {
	s := &set{lines: lines, signs: map[jose.SignatureAlgorithm]*key{}, known: map[string]*key{}}
	for _, l := range lines {
		if len(l.keys) == 0 {
			continue // deleted this very moment; the next renewal makes one
		}
		for _, k := range l.keys {
			s.known[k.id] = k
		}
		if l.name == saml {
			s.saml = l.credentials(now)
			continue
		}
		s.signs[jose.SignatureAlgorithm(l.name)] = l.current(now)
		for i, k := range l.keys {
			if l.published(i, now) {
				s.public = append(s.public, k.public())
			}
		}
	}
	return s
}
