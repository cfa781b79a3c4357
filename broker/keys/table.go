package keys

import (
	"context"
	"fmt"
	"time"
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

// read returns the lines with their keys.
func (r *Ring) read(ctx context.Context) ([]line, error) {
	rows, err := r.db.Query(ctx, `SELECT kid, line, generation, signs_from, sealed, certificate FROM signing_keys ORDER BY generation`)
	if err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	defer rows.Close()

	byLine := map[string][]*key{}
	for rows.Next() {
		var k key
		var from int64
		var sealed, certificate []byte
		if err := rows.Scan(&k.id, &k.line, &k.generation, &from, &sealed, &certificate); err != nil {
			return nil, fmt.Errorf("read signing keys: %w", err)
		}
		k.from = time.UnixMicro(from)
		if err := r.open(&k, sealed, certificate); err != nil {
			return nil, err
		}
		byLine[k.line] = append(byLine[k.line], &k)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read signing keys: %w", err)
	}
	lines := r.lines()
	for i := range lines {
		lines[i].keys = byLine[lines[i].name]
	}
	return lines, nil
}

// open gives k its private key and certificate: those at hand, or else the
// stored ones.
func (r *Ring) open(k *key, sealed, certificate []byte) error {
	if had, ok := r.set.Load().known[k.id]; ok && had.line == k.line {
		k.private, k.certificate = had.private, had.certificate
		return nil
	}
	if err := r.seal.unwrap(k, sealed); err != nil || k.line != saml {
		return err
	}
	return k.certified(certificate)
}

// extend adds the next generation to the line, unless another node has.
func (r *Ring) extend(ctx context.Context, l line) error {
	now := r.now()
	k, err := generate(l.name)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	var certificate []byte
	if l.name == saml {
		if err := k.certify(r.name, now); err != nil {
			return fmt.Errorf("make a certificate: %w", err)
		}
		certificate = k.certificate.Raw
	}
	sealed, err := r.seal.wrap(k)
	if err != nil {
		return fmt.Errorf("make a signing key: %w", err)
	}
	generation, from := l.successor(now)
	_, err = r.db.Exec(ctx, `INSERT INTO signing_keys (kid, line, generation, sealed, certificate, created_at, signs_from)
		VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (line, generation) DO NOTHING`,
		k.id, k.line, generation, sealed, certificate, now.UnixMicro(), from.UnixMicro())
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
