package keys

import (
	"context"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// renew reads the keys, adds a successor to every line that needs one,
// deletes keys that have no use any more, and puts what it found to use.
func (r *Ring) renew(ctx context.Context, needs func(line) bool) error {
	r.renewing.Lock()
	defer r.renewing.Unlock()

	lines, err := r.read(ctx)
	if err != nil {
		return err
	}
	extended := false
	for _, l := range lines {
		if !needs(l) {
			continue
		}
		if err := r.extend(ctx, l); err != nil {
			return err
		}
		extended = true
	}
	if extended {
		// What counts is what the database holds now: of several nodes that
		// made the same generation, one was first.
		if lines, err = r.read(ctx); err != nil {
			return err
		}
	}
	if err := r.forget(ctx, lines); err != nil {
		return err
	}
	r.set.Store(arrange(lines, r.now()))
	return nil
}

// read returns one line for each algorithm.
func (r *Ring) read(ctx context.Context) ([]line, error) {
	rows, err := r.db.Query(ctx, `SELECT kid, alg, generation, signs_from, sealed FROM signing_keys ORDER BY generation`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	defer rows.Close()

	byAlg := map[jose.SignatureAlgorithm][]*key{}
	for rows.Next() {
		var k key
		var from int64
		var sealed []byte
		if err := rows.Scan(&k.id, &k.alg, &k.generation, &from, &sealed); err != nil {
			return nil, fmt.Errorf("read signing keys: %w", err)
		}
		k.from = time.UnixMicro(from)
		if err := r.open(&k, sealed); err != nil {
			return nil, err
		}
		byAlg[k.alg] = append(byAlg[k.alg], &k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	var lines []line
	for _, alg := range algorithms {
		lines = append(lines, line{alg, byAlg[alg]})
	}
	return lines, nil
}

// open gives k its private key: the one at hand, or else the unsealed one.
func (r *Ring) open(k *key, sealed []byte) error {
	if had, ok := r.set.Load().known[k.id]; ok && had.alg == k.alg {
		k.private = had.private
		return nil
	}
	return r.seal.unwrap(k, sealed)
}

// extend adds the next generation to the line, unless another node has.
func (r *Ring) extend(ctx context.Context, l line) error {
	now := r.now()
	k, err := generate(l.alg)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	sealed, err := r.seal.wrap(k)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	generation, from := l.successor(now)
	_, err = r.db.Exec(ctx, `INSERT INTO signing_keys (kid, alg, generation, sealed, created_at, signs_from)
		VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (alg, generation) DO NOTHING`,
		k.id, string(k.alg), generation, sealed, now.UnixMicro(), from.UnixMicro())
	if err != nil {
		return fmt.Errorf("store a signing key: %w", err)
	}
	return nil
}

func (r *Ring) forget(ctx context.Context, lines []line) error {
	for _, l := range lines {
		for i, k := range l.keys {
			if !l.forgotten(i, r.now()) {
				continue
			}
			if _, err := r.db.Exec(ctx, `DELETE FROM signing_keys WHERE kid = $1`, k.id); err != nil {
				return fmt.Errorf("delete a signing key: %w", err)
			}
		}
	}
	return nil
}
