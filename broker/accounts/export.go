package accounts

import (
	"context"
	"fmt"
	"regexp"
	"time"
)

// Copy is everything that is kept about a person, for themselves to read (UK GDPR
// Article 15(3)). It is ready to be written as JSON.
type Copy struct {
	Account string           `json:"account"`
	Made    time.Time        `json:"made_at"`
	Records map[string][]Row `json:"records"`           // by table
	Ways    map[string][]any `json:"ways_in,omitempty"` // what ways in keep of their own, by issuer
}

// Row is one record: its columns by their names.
type Row map[string]any

// Export returns everything that is kept about the person behind an account, and
// nothing about anybody else. Left out is what would open the account to whoever
// reads it. The error is ErrNotFound where the account is no more.
func (a *Accounts) Export(ctx context.Context, account string) (Copy, error) {
	c := Copy{Account: account, Made: a.now().UTC(), Records: map[string][]Row{}, Ways: map[string][]any{}}
	for _, k := range ofPeople {
		rows, err := k.rows(ctx, a.db.Verbs, account)
		if err != nil {
			return Copy{}, fmt.Errorf("export: %w", err)
		}
		if len(rows) > 0 {
			c.Records[k.title()] = rows
		}
	}
	if !c.alive() {
		return Copy{}, fmt.Errorf("export: %w", ErrNotFound)
	}
	if err := a.exportWays(ctx, c); err != nil {
		return Copy{}, fmt.Errorf("export: %w", err)
	}
	if err := a.mask(ctx, c); err != nil {
		return Copy{}, fmt.Errorf("export: %w", err)
	}
	return c, nil
}

// alive reports whether the account of the copy is one that somebody has.
func (c Copy) alive() bool {
	for _, row := range c.Records["accounts"] {
		if row["id"] == c.Account {
			return row["status"] == "active" || row["status"] == "frozen"
		}
	}
	return false
}

// exportWays adds what ways in keep of their own.
func (a *Accounts) exportWays(ctx context.Context, c Copy) error {
	for _, link := range c.Records["links"] {
		issuer, subject := link["issuer"].(string), link["subject"].(string)
		keeper, ok := a.Keepers[issuer]
		if !ok {
			continue
		}
		record, ok, err := keeper.Export(ctx, subject)
		if err != nil {
			return err
		}
		if ok {
			c.Ways[issuer] = append(c.Ways[issuer], record)
		}
	}
	return nil
}

// somebodyElse stands in a copy for the account, or the way in, of somebody else. Of
// whom a record is about besides the person, they learn what they are shown, not who
// that is to the council.
const somebodyElse = "somebody else's"

// mask puts it in its place.
func (a *Accounts) mask(ctx context.Context, c Copy) error {
	seen := map[string]bool{}
	c.replace(func(id string) string { seen[id] = true; return id })
	var ids []any
	for id := range seen {
		ids = append(ids, id)
	}
	list := tuples(1, len(ids))
	others, err := texts(a.db.Query(ctx, `SELECT id, '' FROM accounts WHERE id IN `+list+` UNION ALL SELECT id, '' FROM links WHERE id IN `+list, ids...))
	if err != nil {
		return err
	}
	for _, row := range append(c.Records["accounts"], c.Records["links"]...) {
		delete(others, row["id"].(string))
	}
	c.replace(func(id string) string {
		if _, ok := others[id]; ok {
			return somebodyElse
		}
		return id
	})
	return nil
}

// replace puts what with makes of it in the place of everything in the records that
// looks like one of our identifiers.
func (c Copy) replace(with func(id string) string) {
	for _, rows := range c.Records {
		for _, row := range rows {
			replace(map[string]any(row), with)
		}
	}
}

var identifier = regexp.MustCompile(`^[a-z2-7]{26}$`)

func replace(value any, with func(id string) string) any {
	switch v := value.(type) {
	case string:
		if identifier.MatchString(v) {
			return with(v)
		}
	case map[string]any:
		for key := range v {
			v[key] = replace(v[key], with)
		}
	case []any:
		for i := range v {
			v[i] = replace(v[i], with)
		}
	}
	return value
}
