package keys

import (
	"crypto/x509"
	"time"
)

// Key is one key as operators see it.
type Key struct {
	Line        string // RS256, ES256 or SAML
	ID          string
	Signs       bool              // it is the one of its line that signs now
	From        time.Time         // when it starts to sign, or started
	Until       time.Time         // when its successor starts; zero where it has none
	Withdrawn   time.Time         // when it is published no more; zero where it has no successor
	Certificate *x509.Certificate // of SAML keys
}

// List returns every key there is, line by line, oldest first.
func (r *Ring) List() []Key {
	var all []Key
	now := r.now()
	for _, l := range r.set.Load().lines {
		for i, k := range l.keys {
			shown := Key{Line: l.name, ID: k.id, Signs: k == l.current(now), From: k.from, Certificate: k.certificate}
			if i < len(l.keys)-1 {
				shown.Until, shown.Withdrawn = l.keys[i+1].from, l.withdrawn(i)
			}
			all = append(all, shown)
		}
	}
	return all
}
