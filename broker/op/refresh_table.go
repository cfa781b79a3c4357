package op

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
)

// beginRefresh keeps a grant for while the resident is away and returns its
// first refresh token. Where the code was found in two hands meanwhile, the
// grant is there already and revoked.
func (s *Server) beginRefresh(ctx context.Context, c *client, tag string, g grant) (token string, err error) {
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		// Whoever withdraws what it rests on waits, and then finds the grant.
		if err := s.Accounts.Hold(ctx, tx, c.app.ID, g.Link, g.Basis); err != nil {
			return err
		}
		begun, err := s.insertGrant(ctx, tx.Verbs, c, tag, g, nil, `ON CONFLICT DO NOTHING`)
		if err != nil {
			return err
		}
		if !begun {
			return refused(invalidGrant, "the code is not valid").because(errors.New("its grant was revoked meanwhile"))
		}
		token, err = s.insertRefreshToken(ctx, tx, c, tag, "")
		return err
	})
	if errors.Is(err, accounts.ErrWithdrawn) {
		err = refused(invalidGrant, "the code is not valid").because(err)
	}
	if err == nil {
		err = s.outlast(ctx, tag, g)
	}
	return token, err
}

// outlast revokes a grant that was just begun to be kept, where the online one has
// ended meanwhile (RFC 6749 §5.2: the code is revoked). Whoever ends all that an app
// has deletes the online one first and revokes what is kept afterwards: either this
// finds none, or they find this.
func (s *Server) outlast(ctx context.Context, tag string, g grant) error {
	b := s.Store.Batch()
	found := grants.Get(b, online(tag))
	if err := b.Exec(ctx); err != nil {
		return err
	}
	if _, goesOn := found.Value(); goesOn {
		return nil
	}
	if err := s.keepRevoked(ctx, tag, g); err != nil {
		return err
	}
	return refused(invalidGrant, "the code is not valid").because(errors.New("what it gave was ended meanwhile"))
}

// rotate replaces a refresh token and returns its successor. What the grant rests on
// comes first, and its row: there a revocation waits for us, or we for it.
func (s *Server) rotate(ctx context.Context, c *client, old refreshToken) (token string, err error) {
	now := s.Now()
	err = s.DB.InTx(ctx, func(tx *db.Tx) error {
		// Whoever withdrew it, or froze the way in, may not have come so far as to end
		// what is kept here and in Redis.
		if err := s.Accounts.Hold(ctx, tx, c.app.ID, old.grant.Link, old.grant.Basis); err != nil {
			return err
		}
		res, err := tx.Exec(ctx, `UPDATE refresh_grants SET expires_at = $2 WHERE id = $1 AND revoked_at IS NULL`,
			old.tag, now.Add(c.oidc.RefreshTokenLifetime).UnixMicro())
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil {
			return err
		} else if n == 0 {
			return errRevoked
		}
		if _, err := tx.Exec(ctx, `UPDATE refresh_tokens SET replaced_at = $2 WHERE hash = $1 AND replaced_at IS NULL`,
			old.hash, now.UnixMicro()); err != nil {
			return err
		}
		// Its answer arrived: the grace of the one before is over, and with it
		// the use of the other successors that the grace allowed.
		if _, err := tx.Exec(ctx, `UPDATE refresh_tokens SET replaced_at = 0
			WHERE grant_id = $1 AND hash <> $2 AND (hash = $3 OR parent = $3)`, old.tag, old.hash, old.parent); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `DELETE FROM refresh_tokens WHERE grant_id = $1 AND expires_at < $2`,
			old.tag, now.UnixMicro()); err != nil {
			return err
		}
		token, err = s.insertRefreshToken(ctx, tx, c, old.tag, old.hash)
		return err
	})
	if errors.Is(err, accounts.ErrWithdrawn) {
		err = errRevoked
	}
	return token, err
}

// keepRevoked revokes a grant, whether it is kept already or about to be.
func (s *Server) keepRevoked(ctx context.Context, tag string, g grant) error {
	c, ok := s.clients[g.Client]
	if !ok {
		return nil // without its client nobody can use the grant
	}
	now := s.Now().UnixMicro()
	_, err := s.insertGrant(ctx, s.DB.Verbs, c, tag, g, &now, `ON CONFLICT (id) DO UPDATE SET revoked_at = excluded.revoked_at`)
	return err
}

// revokeWhere revokes the grants of which where is true, and returns their tags.
func (s *Server) revokeWhere(ctx context.Context, where string, args ...any) ([]string, error) {
	args = append(args, s.Now().UnixMicro())
	return texts(s.DB.Query(ctx, fmt.Sprintf(`UPDATE refresh_grants SET revoked_at = COALESCE(revoked_at, $%d) WHERE %s RETURNING id`,
		len(args), where), args...))
}

// tagsWhere returns the tags of the grants of which where is true.
func (s *Server) tagsWhere(ctx context.Context, where string, args ...any) ([]string, error) {
	return texts(s.DB.Query(ctx, `SELECT id FROM refresh_grants WHERE `+where, args...))
}

// texts reads rows of one text.
func texts(rows *sql.Rows, err error) ([]string, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []string
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		all = append(all, text)
	}
	return all, rows.Err()
}

// insertGrant writes a grant's row and reports whether that changed anything.
func (s *Server) insertGrant(ctx context.Context, v db.Verbs, c *client, tag string, g grant, revoked *int64, onConflict string) (bool, error) {
	scopes, err := json.Marshal(g.Scopes)
	if err != nil {
		return false, fmt.Errorf("keep grant: %w", err)
	}
	claims, err := json.Marshal(g.Claims)
	if err != nil {
		return false, fmt.Errorf("keep grant: %w", err)
	}
	now := s.Now()
	res, err := v.Exec(ctx, `INSERT INTO refresh_grants
		(id, account_id, link_id, app, subject, session, scopes, claims, auth_time, created_at, expires_at, revoked_at,
			consent_id, delegation_id, act)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15) `+onConflict,
		tag, g.Account, g.Link, c.app.ID, g.Subject, g.Session, string(scopes), string(claims), g.AuthTime.UnixMicro(),
		now.UnixMicro(), now.Add(c.oidc.RefreshTokenLifetime).UnixMicro(), revoked,
		g.Consent, g.Delegation, g.Act.subject())
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n > 0, err
}

// insertRefreshToken makes a refresh token of the grant, in place of the one
// whose hash is parent. Only its hash is kept.
func (s *Server) insertRefreshToken(ctx context.Context, tx *db.Tx, c *client, tag, parent string) (string, error) {
	token, now := rand.Text(), s.Now()
	_, err := tx.Exec(ctx, `INSERT INTO refresh_tokens (hash, grant_id, parent, created_at, expires_at) VALUES ($1, $2, $3, $4, $5)`,
		hashOf(token), tag, parent, now.UnixMicro(), now.Add(c.oidc.RefreshTokenLifetime).UnixMicro())
	return token, err
}

// findRefreshToken reads a refresh token and its grant.
func (s *Server) findRefreshToken(ctx context.Context, token string) (t refreshToken, found bool, err error) {
	t.hash = hashOf(token)
	var app, scopes, claims, act string
	var created, expires, authTime int64
	var replaced, revoked sql.NullInt64
	err = s.DB.QueryRow(ctx, `SELECT g.id, g.account_id, g.link_id, g.app, g.subject, g.session, g.scopes, g.claims, g.auth_time, g.revoked_at,
			g.consent_id, g.delegation_id, g.act,
			t.parent, t.created_at, t.expires_at, t.replaced_at
		FROM refresh_tokens t
		JOIN refresh_grants g ON g.id = t.grant_id
		WHERE t.hash = $1`, t.hash).
		Scan(&t.tag, &t.grant.Account, &t.grant.Link, &app, &t.grant.Subject, &t.grant.Session, &scopes, &claims, &authTime, &revoked,
			&t.grant.Consent, &t.grant.Delegation, &act,
			&t.parent, &created, &expires, &replaced)
	if errors.Is(err, sql.ErrNoRows) {
		return refreshToken{}, false, nil
	}
	if err != nil {
		return refreshToken{}, false, err
	}
	c, ok := s.apps[app]
	if !ok {
		return refreshToken{}, false, nil
	}
	t.grant.Client, t.grant.AuthTime = c.id, time.UnixMicro(authTime)
	t.created, t.expires, t.revoked = time.UnixMicro(created), time.UnixMicro(expires), revoked.Valid
	if act != "" {
		t.grant.Act = &actor{act}
	}
	if replaced.Valid {
		t.replaced = time.UnixMicro(replaced.Int64)
	}
	if err := errors.Join(json.Unmarshal([]byte(scopes), &t.grant.Scopes), json.Unmarshal([]byte(claims), &t.grant.Claims)); err != nil {
		return refreshToken{}, false, fmt.Errorf("read grant: %w", err)
	}
	return t, true, nil
}

// Sweep deletes the refresh grants that have expired, with their tokens.
func (s *Server) Sweep(ctx context.Context) error {
	return s.DB.InTx(ctx, func(tx *db.Tx) error {
		now := s.Now().UnixMicro()
		if _, err := tx.Exec(ctx, `DELETE FROM refresh_tokens
			WHERE grant_id IN (SELECT id FROM refresh_grants WHERE expires_at < $1)`, now); err != nil {
			return err
		}
		_, err := tx.Exec(ctx, `DELETE FROM refresh_grants WHERE expires_at < $1`, now)
		return err
	})
}
