package council

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// Record is everything that is kept of a user, for themselves to read. What it
// leaves out opens the account: the hash of their password.
type Record struct {
	Subject  string          `json:"subject"` // of the connector's assertions
	Address  string          `json:"email"`
	Created  time.Time       `json:"created_at"`
	Password bool            `json:"password"` // they have one
	Passkeys []PasskeyRecord `json:"passkeys"`
}

// PasskeyRecord is what is kept of a passkey. Its private key never left the
// device.
type PasskeyRecord struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	PublicKey []byte    `json:"public_key"`   // COSE_Key (RFC 9052 §7)
	Device    []byte    `json:"aaguid"`       // the model of the device, if it says so (WebAuthn Level 3 §6.5.1)
	Bound     bool      `json:"device_bound"` // an authority vouches that it cannot leave the device
	Uses      uint32    `json:"sign_count"`   // by the device's own count, if it keeps one
	Created   time.Time `json:"created_at"`
	Used      time.Time `json:"last_used_at,omitzero"` // the zero time: never
}

// Export returns what is kept of the user who is the subject of assertions; ok is
// false where there is none.
func (c *Council) Export(ctx context.Context, subject string) (r Record, ok bool, err error) {
	who, err := c.users.holder(ctx, subject)
	if errors.Is(err, errNoUser) {
		return Record{}, false, nil
	}
	if err != nil {
		return Record{}, false, fmt.Errorf("export a user: %w", err)
	}
	return who.record(), true, nil
}

func (h holder) record() Record {
	r := Record{Subject: h.ID, Address: h.Address.Text, Created: h.Created.UTC(), Password: h.Password != "", Passkeys: []PasskeyRecord{}}
	for _, p := range h.passkeys {
		device := p.Credential.Authenticator
		r.Passkeys = append(r.Passkeys, PasskeyRecord{
			ID: p.ID, Name: p.Name, PublicKey: p.Credential.PublicKey, Device: device.AAGUID, Bound: p.Bound,
			Uses: device.SignCount, Created: p.Created.UTC(), Used: p.Used.UTC(),
		})
	}
	return r
}

// Erase forgets the user who is the subject of assertions, for good: their address,
// passkeys and password. Where there is none it does nothing. Whoever signs in by
// the address afterwards is somebody else.
func (c *Council) Erase(ctx context.Context, subject string) error {
	err := c.DB.InTx(ctx, func(tx *db.Tx) error {
		if _, err := tx.Exec(ctx, `UPDATE council_users SET changes = changes + 1 WHERE id = $1`, subject); err != nil {
			return err
		}
		return erase(ctx, tx, subject)
	})
	if err != nil {
		return fmt.Errorf("erase a user: %w", err)
	}
	return nil
}

// erase deletes a user whose row tx has changed, so that nobody adds a passkey
// meanwhile.
func erase(ctx context.Context, tx *db.Tx, id string) error {
	for _, q := range []string{
		`DELETE FROM council_passkeys WHERE user_id = $1`,
		`DELETE FROM council_users WHERE id = $1`,
	} {
		if _, err := tx.Exec(ctx, q, id); err != nil {
			return err
		}
	}
	return nil
}
