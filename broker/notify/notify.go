// Package notify tells residents by e-mail what was done to their accounts, so that
// they learn of what they did not do themselves.
//
// Whatever changes an account leaves a notice in the outbox, in the same
// transaction. A notice becomes a letter for each address at which the account's
// person reads mail, in their language; a letter is handed to the mail server, and
// tried again later and later where that fails, or given up where nobody is at its
// address. None keeps the others; but where several fail one after another, the
// server is away, and a node leaves it alone for a while. Any node does any of it: a
// row belongs to whoever moves the time on at which it is due. A letter comes at least
// once.
package notify

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/web"
)

// Notifier turns notices into letters.
type Notifier struct {
	DB       *db.DB
	Accounts *accounts.Accounts
	Post     *mail.Post // nil where no mail is sent: notices are settled then, and nobody is told of them later

	Council   string   // its name, as residents know it
	Site      string   // the host at which it has been done
	Languages []string // of letters, the council's first one first
	Now       func() time.Time
	Log       *slog.Logger

	// Observe hears what came of a message, each time: sent, waits, refused or given_up.
	Observe func(outcome string)

	away away
}

// message is a notice or a letter on its way.
type message struct {
	id, kind, address, payload string
	due, tries                 int64
}

// about is what a notice or letter says.
type about struct {
	Account  string    `json:"account"`
	What     string    `json:"what"`
	At       time.Time `json:"at"`
	Until    time.Time `json:"until,omitzero"`
	Language string    `json:"language,omitempty"` // of a letter
}

const (
	notice = "notice"
	letter = "letter"

	most  = 10              // tries of a message, over some five days, after which it is given up
	inRow = 3               // messages that fail one after another before the server is taken to be away
	lease = 2 * time.Minute // for which a message belongs to a node
	batch = 50
)

// patience is how long a message waits after so many tries.
func patience(tries int64) time.Duration {
	return min(time.Minute<<(2*min(tries-1, 6)), 24*time.Hour)
}

// Work does what is due. It stops where the mail server takes nothing, or the database
// is away, and does nothing then for a while, however often it is called.
func (n *Notifier) Work(ctx context.Context) error {
	if n.away.at(n.Now()) {
		return nil
	}
	err := n.work(ctx)
	n.away.note(err, n.Now())
	return err
}

func (n *Notifier) work(ctx context.Context) error {
	failed := 0 // one after another
	for {
		due, err := n.due(ctx)
		if err != nil {
			return fmt.Errorf("notices: %w", err)
		}
		for _, m := range due {
			if err := n.settle(ctx, m); err == nil {
				failed = 0
			} else if failed++; failed == inRow {
				return fmt.Errorf("%s: %w", m.kind, err)
			}
		}
		if len(due) == 0 {
			return nil
		}
	}
}

// due are the messages whose time has come, the oldest first.
func (n *Notifier) due(ctx context.Context) ([]message, error) {
	rows, err := n.DB.Query(ctx, `SELECT id, kind, address, payload, due_at, tries FROM outbox
		WHERE delivered_at IS NULL AND kind IN ('notice', 'letter') AND due_at <= $1 AND tries < $2
		ORDER BY due_at LIMIT $3`, n.Now().UnixMicro(), most, batch)
	if err != nil {
		return nil, err
	}
	defer rows.Close()

	var all []message
	for rows.Next() {
		var m message
		if err := rows.Scan(&m.id, &m.kind, &m.address, &m.payload, &m.due, &m.tries); err != nil {
			return nil, err
		}
		all = append(all, m)
	}
	return all, rows.Err()
}

// settle does what one message asks for, unless another node does.
func (n *Notifier) settle(ctx context.Context, m message) error {
	taken, err := n.changed(ctx, `UPDATE outbox SET due_at = $3, tries = tries + 1
		WHERE id = $1 AND due_at = $2 AND delivered_at IS NULL`, m.id, m.due, n.Now().Add(lease).UnixMicro())
	if err != nil || !taken {
		return err
	}
	m.tries++
	do := n.address
	if m.kind == letter {
		do = n.send
	}
	if err = do(ctx, m); err == nil {
		return nil
	}
	return n.fails(ctx, m, err)
}

// fails has a message tried again later, or gives it up. There is no error where the
// next one may well be taken.
func (n *Notifier) fails(ctx context.Context, m message, why error) error {
	outcome := "waits"
	switch {
	case errors.Is(why, mail.ErrRefused):
		outcome, m.tries, why = "refused", most, nil
	case m.tries >= most:
		outcome = "given_up"
	}
	n.Observe(outcome)
	n.Log.Warn("a message to a resident was not delivered", "kind", m.kind, "id", m.id, "outcome", outcome, "tries", m.tries, "err", why)
	again := n.Now().Add(patience(m.tries)).UnixMicro()
	if _, err := n.DB.Exec(ctx, `UPDATE outbox SET due_at = $2, tries = $3 WHERE id = $1`, m.id, again, m.tries); err != nil {
		n.Log.Warn("a message waits for its lease to end", "err", err)
	}
	return why
}

// address makes a letter of a notice for each address.
func (n *Notifier) address(ctx context.Context, m message) error {
	var what about
	if err := json.Unmarshal([]byte(m.payload), &what); err != nil {
		return err
	}
	reader, err := n.Accounts.Reader(ctx, what.Account)
	if err != nil {
		return err
	}
	if m.address != "" && !slices.Contains(reader.Addresses, m.address) {
		reader.Addresses = append(reader.Addresses, m.address)
	}
	if n.Post == nil {
		reader.Addresses = nil
	}
	what.Language = n.language(reader.Locale)
	payload, err := json.Marshal(what)
	if err != nil {
		return err
	}
	return n.DB.InTx(ctx, func(tx *db.Tx) error {
		for i, address := range reader.Addresses {
			// Of two nodes that come so far, one writes the letters.
			_, err := tx.Exec(ctx, `INSERT INTO outbox (id, kind, app, address, payload, created_at, due_at)
				VALUES ($1, 'letter', '', $2, $3, $4, $4) ON CONFLICT (id) DO NOTHING`,
				fmt.Sprintf("%s.%d", m.id, i), address, string(payload), n.Now().UnixMicro())
			if err != nil {
				return err
			}
		}
		return n.delivered(ctx, tx.Verbs, m)
	})
}

//go:embed letters/*.txt
var letters embed.FS

// contents are what a letter says.
type contents struct {
	What          string // was done
	On, Until     string // when, and until when that holds
	Council, Site string // who writes
}

// send hands a letter to the mail server.
func (n *Notifier) send(ctx context.Context, m message) error {
	var what about
	if err := json.Unmarshal([]byte(m.payload), &what); err != nil {
		return err
	}
	if n.Post == nil {
		return n.delivered(ctx, n.DB.Verbs, m)
	}
	l, err := mail.Write(letters, m.address, what.Language, "notice", contents{
		What: what.What, On: what.At.In(web.London()).Format("02/01/2006 15:04"), Until: what.Until.In(web.London()).Format("02/01/2006"),
		Council: n.Council, Site: n.Site,
	})
	if err != nil {
		return err
	}
	if err := n.Post.Deliver(ctx, l); err != nil {
		return err
	}
	n.Observe("sent")
	return n.delivered(ctx, n.DB.Verbs, m)
}

func (n *Notifier) delivered(ctx context.Context, v db.Verbs, m message) error {
	_, err := v.Exec(ctx, `UPDATE outbox SET delivered_at = $2 WHERE id = $1`, m.id, n.Now().UnixMicro())
	return err
}

// language is that of letters to whoever has a locale.
func (n *Notifier) language(locale string) string {
	tag, _, _ := strings.Cut(strings.ReplaceAll(strings.ToLower(locale), "_", "-"), "-")
	if slices.Contains(n.Languages, tag) {
		return tag
	}
	return n.Languages[0]
}

func (n *Notifier) changed(ctx context.Context, q string, args ...any) (bool, error) {
	res, err := n.DB.Exec(ctx, q, args...)
	if err != nil {
		return false, err
	}
	rows, err := res.RowsAffected()
	return rows > 0, err
}
