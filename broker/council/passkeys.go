package council

import (
	"context"
	"database/sql"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/councilid/councilid/broker/db"
)

// passkey is one WebAuthn credential of a user.
type passkey struct {
	ID         string // the credential's, in base64url
	Name       string // what the resident calls it; "" for nothing
	Credential webauthn.Credential
	Bound      bool      // an authority that the council named vouches that the key cannot leave its device
	Created    time.Time // the day that it was added
	Used       time.Time // the zero time for never
}

// method is how whoever uses it signs in.
func (p passkey) method() method {
	if p.Bound {
		return byBoundPasskey
	}
	return byPasskey
}

// holder is a user as the WebAuthn library sees them.
type holder struct {
	user
	passkeys []passkey
}

// WebAuthnID is the user handle: random, as WebAuthn Level 3 §14.6.1 asks, so
// that an authenticator that is found tells nothing.
func (h holder) WebAuthnID() []byte { return []byte(h.ID) }

// WebAuthnName is what the device shows the passkey as.
func (h holder) WebAuthnName() string { return h.Address.Text }

// WebAuthnDisplayName is the same: no more is known of the person.
func (h holder) WebAuthnDisplayName() string { return h.Address.Text }

// WebAuthnCredentials are the passkeys.
func (h holder) WebAuthnCredentials() []webauthn.Credential {
	all := make([]webauthn.Credential, len(h.passkeys))
	for i, p := range h.passkeys {
		all[i] = p.Credential
	}
	return all
}

// descriptors name the passkeys, so that a device does not make a second one.
func (h holder) descriptors() []protocol.CredentialDescriptor {
	var all []protocol.CredentialDescriptor
	for _, p := range h.passkeys {
		all = append(all, p.Credential.Descriptor())
	}
	return all
}

// holder is the user called id with their passkeys.
func (u users) holder(ctx context.Context, id string) (holder, error) {
	found, err := u.byID(ctx, id)
	if err != nil {
		return holder{}, err
	}
	return u.holding(ctx, found)
}

// holding is the user with their passkeys, the oldest first.
func (u users) holding(ctx context.Context, who user) (holder, error) {
	rows, err := u.db.Query(ctx, `SELECT id, name, credential, bound, sign_count, created_at, last_used_at
		FROM council_passkeys WHERE user_id = $1 ORDER BY created_at, id`, who.ID)
	if err != nil {
		return holder{}, fmt.Errorf("find passkeys: %w", err)
	}
	defer rows.Close()
	h := holder{user: who}
	for rows.Next() {
		p, err := scanPasskey(rows)
		if err != nil {
			return holder{}, fmt.Errorf("find passkeys: %w", err)
		}
		h.passkeys = append(h.passkeys, p)
	}
	return h, rows.Err()
}

func scanPasskey(rows *sql.Rows) (passkey, error) {
	var p passkey
	var credential string
	var count, created int64
	var used sql.NullInt64
	if err := rows.Scan(&p.ID, &p.Name, &credential, &p.Bound, &count, &created, &used); err != nil {
		return passkey{}, err
	}
	if err := json.Unmarshal([]byte(credential), &p.Credential); err != nil {
		return passkey{}, err
	}
	p.Credential.Authenticator.SignCount = uint32(count)
	p.Created = time.UnixMicro(created)
	if used.Valid {
		p.Used = time.UnixMicro(used.Int64)
	}
	return p, nil
}

var (
	// errTaken says that something is somebody's already.
	errTaken = errors.New("it belongs to a user already")

	// errMany says that somebody has as many passkeys as they may.
	errMany = errors.New("the user has too many passkeys")
)

// mostPasskeys is more than anybody has devices that do not share theirs. Each is
// named to every device on which another is made.
const mostPasskeys = 10

// addPasskey keeps a passkey of the user as who was read. A credential that is
// known already is refused, whoever's it is (WebAuthn Level 3 §7.1, step 26).
func (u users) addPasskey(ctx context.Context, who holder, p passkey) error {
	if len(who.passkeys) >= mostPasskeys {
		return errMany
	}
	credential, err := json.Marshal(p.Credential)
	if err != nil {
		return fmt.Errorf("add a passkey: %w", err)
	}
	return u.change(ctx, who.user, func(tx *db.Tx) error {
		res, err := tx.Exec(ctx, `INSERT INTO council_passkeys (id, user_id, name, credential, bound, sign_count, created_at)
			VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (id) DO NOTHING`,
			p.ID, who.ID, p.Name, string(credential), p.Bound, int64(p.Credential.Authenticator.SignCount), u.now().UnixMicro())
		return changed(res, err, errTaken)
	})
}

// errRegressed says that a passkey's signature counter did not grow.
var errRegressed = errors.New("the passkey's counter did not grow: there may be a copy of it")

// usePasskey records a use of the passkey. A device that counts must count on
// (WebAuthn Level 3 §7.2, step 22): of two uses with one count, on any node, one
// is recorded. Passkeys that several devices share do not count together.
func (u users) usePasskey(ctx context.Context, p passkey, count uint32) error {
	res, err := u.db.Exec(ctx, `UPDATE council_passkeys SET sign_count = $1, last_used_at = $2
		WHERE id = $3 AND ($4 OR sign_count < $1 OR $1 = 0 AND sign_count = 0)`,
		int64(count), u.now().UnixMicro(), p.ID, p.Credential.Flags.BackupEligible)
	return changed(res, err, errRegressed)
}

// renamePasskey calls a passkey of the user something else.
func (u users) renamePasskey(ctx context.Context, who user, id, name string) error {
	_, err := u.db.Exec(ctx, `UPDATE council_passkeys SET name = $1 WHERE id = $2 AND user_id = $3`, name, id, who.ID)
	return err
}

// removePasskey forgets a passkey of the user.
func (u users) removePasskey(ctx context.Context, who user, id string) error {
	return u.change(ctx, who, func(tx *db.Tx) error {
		_, err := tx.Exec(ctx, `DELETE FROM council_passkeys WHERE id = $1 AND user_id = $2`, id, who.ID)
		return err
	})
}

// credentialID is how a credential is named here.
func credentialID(raw []byte) string { return base64.RawURLEncoding.EncodeToString(raw) }
