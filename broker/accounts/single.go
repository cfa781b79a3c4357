package accounts

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/councilid/councilid/broker/db"
)

// single is a table in which an account has one row for each key. Of two accounts'
// rows with one key join makes the one that is kept. Of one that was changed since it
// was joined, apart makes what is the kept account's own, which had was before (nil for
// none).
type single struct {
	table, key, which string
	join              func(mine, theirs row) row
	apart             func(was, joined, is row) row
}

// change is the rows that a merge changed, by key: what both accounts had of those
// of which the absorbed one had some, and what the kept one had afterwards.
type change struct{ Kept, Absorbed, After map[string]row }

// row is a row of a table as it is, by column. Numbers are int64.
type row map[string]any

// UnmarshalJSON implements json.Unmarshaler.
func (r *row) UnmarshalJSON(text []byte) error {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	columns := map[string]any{}
	if err := d.Decode(&columns); err != nil {
		return err
	}
	for name, v := range columns {
		n, ok := v.(json.Number)
		if !ok {
			continue
		}
		var err error
		if columns[name], err = n.Int64(); err != nil {
			return err
		}
	}
	*r = columns
	return nil
}

// of is the row of another account.
func (r row) of(account string) row {
	other := maps.Clone(r)
	other["account_id"] = account
	return other
}

// latest joins by keeping the later row.
func latest(at string) func(mine, theirs row) row {
	return func(mine, theirs row) row {
		if theirs[at].(int64) > mine[at].(int64) {
			return theirs
		}
		return mine
	}
}

// used joins the use of a service: from the first time to the last, with all that it
// was told. Sharing with it has stopped where both have stopped.
func used(mine, theirs row) row {
	both := maps.Clone(latest("last_used_at")(mine, theirs))
	both["released"] = allOf(mine["released"].(string), theirs["released"].(string))
	both["first_used_at"] = min(mine["first_used_at"].(int64), theirs["first_used_at"].(int64))
	one, stopped := mine["stopped_at"].(int64)
	other, too := theirs["stopped_at"].(int64)
	both["stopped_at"] = nil
	if stopped && too {
		both["stopped_at"] = max(one, other)
	}
	return both
}

// allOf is the names in two lists, as JSON.
func allOf(lists ...string) string {
	var all []string
	for _, list := range lists {
		var names []string
		if err := json.Unmarshal([]byte(list), &names); err != nil {
			panic(err) // we have written it
		}
		all = with(all, names)
	}
	text, err := json.Marshal(all)
	if err != nil {
		panic(err) // of strings
	}
	return string(text)
}

// sinceUsed takes the use of a service apart: what the other account used it before
// is not this one's, whatever was stopped since. Where this one has used it since, all
// that was told before may have been told again.
func sinceUsed(was, joined, is row) row {
	own := maps.Clone(is)
	if is["last_used_at"] == joined["last_used_at"] {
		if was == nil {
			return nil
		}
		own["last_used_at"], own["released"] = was["last_used_at"], was["released"]
	}
	own["first_used_at"] = is["last_used_at"]
	if was != nil {
		own["first_used_at"] = was["first_used_at"]
	}
	return own
}

func asIs(_, _, is row) row { return is }

// unite says what becomes of two accounts' rows when the second is absorbed.
func (s single) unite(kept string, mine, theirs map[string]row) change {
	c := change{Kept: map[string]row{}, Absorbed: theirs, After: map[string]row{}}
	for key, r := range theirs {
		if old, both := mine[key]; both {
			c.Kept[key], r = old, s.join(old, r)
		}
		c.After[key] = r.of(kept)
	}
	return c
}

// divide says what becomes of the rows of the kept account, as they are now, when
// the accounts are taken apart: its own, and the other one's. What was changed since
// stays, and what is gone is given back to nobody: whoever ended it meant all of it.
// left are the keys of both.
func (s single) divide(c change, now map[string]row) (mine, theirs map[string]row, left []string) {
	mine, theirs = map[string]row{}, map[string]row{}
	for key, r := range inOrder(c.Absorbed, strings.Compare) {
		is, there := now[key]
		was, had := c.Kept[key]
		unchanged := there && maps.Equal(is, c.After[key])
		if !unchanged {
			left = append(left, key)
		}
		if there {
			theirs[key] = r
		}
		switch {
		case unchanged && had:
			mine[key] = was
		case there && !unchanged:
			if own := s.apart(was, c.After[key], is); own != nil {
				mine[key] = own
			}
		}
	}
	return mine, theirs, left
}

// rows are an account's rows, by key.
func (s single) rows(ctx context.Context, tx *db.Tx, account string) (map[string]row, error) {
	rows, err := readRows(tx.Query(ctx, `SELECT * FROM `+s.table+` WHERE account_id = $1 AND `+s.which, account))
	if err != nil {
		return nil, err
	}
	byKey := map[string]row{}
	for _, r := range rows {
		byKey[r[s.key].(string)] = r
	}
	return byKey, nil
}

// replace puts rows in place of others of an account.
func (s single) replace(ctx context.Context, tx *db.Tx, account string, old, rows map[string]row) error {
	for key := range inOrder(old, strings.Compare) {
		if _, err := tx.Exec(ctx, `DELETE FROM `+s.table+` WHERE account_id = $1 AND `+s.key+` = $2 AND `+s.which, account, key); err != nil {
			return err
		}
	}
	for _, r := range inOrder(rows, strings.Compare) {
		if err := insertRow(ctx, tx, s.table, r); err != nil {
			return err
		}
	}
	return nil
}

// readRows reads rows with all their columns, none of which holds bytes.
func readRows(rows *sql.Rows, err error) ([]row, error) {
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return nil, err
	}
	columns := make([]any, len(names))
	for i := range columns {
		columns[i] = new(any)
	}
	var all []row
	for rows.Next() {
		if err := rows.Scan(columns...); err != nil {
			return nil, err
		}
		r := row{}
		for i, name := range names {
			r[name] = *columns[i].(*any)
		}
		all = append(all, r)
	}
	return all, rows.Err()
}

func insertRow(ctx context.Context, tx *db.Tx, table string, r row) error {
	var args []any
	names := slices.Sorted(maps.Keys(r))
	for _, name := range names {
		args = append(args, r[name])
	}
	_, err := tx.Exec(ctx, fmt.Sprintf(`INSERT INTO %s (%s) VALUES %s`, table, strings.Join(names, ", "), tuples(1, len(names))), args...)
	return err
}
