package accounts

// STUB: signatures agreed; implementation follows.

import (
	"context"
	"time"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/mapping"
)

// Account is one council identity.
type Account struct {
	ID         string            `json:"id"`
	SubjectKey []byte            `json:"subject_key"`        // derives the pairwise subjects
	Subjects   map[string]string `json:"subjects,omitempty"` // sector to subject, where one is pinned (a merge, an import)
}

// Subject is the account's identifier for the apps of a sector.
func (a Account) Subject(sector string) string { panic("stub") }

// SignIn is one successful sign-in through a connector.
type SignIn struct {
	Connector string            `json:"connector"`
	Issuer    string            `json:"issuer"`
	Subject   string            `json:"subject"`
	Said      mapping.Statement `json:"said"`
	At        time.Time         `json:"at"`
}

// Link is one way in to an account.
type Link struct {
	ID        string
	Connector string
	Issuer    string
	Subject   string
	Created   time.Time
}

type Accounts struct{}

func Open(d *db.DB, now func() time.Time) *Accounts { panic("stub") }

// Enter finds the account that the sign-in's (issuer, subject) is linked to, and creates it at the
// first sign-in. A returning resident costs one SQL read. first is true when the account was made.
func (a *Accounts) Enter(ctx context.Context, in SignIn) (acc Account, link Link, first bool, err error) {
	panic("stub")
}

// ByID returns the account.
func (a *Accounts) ByID(ctx context.Context, id string) (Account, error) { panic("stub") }

// Visit is what the stream keeps of one sign-in to one app, to be folded into SQL.
type Visit struct {
	Account  string            `json:"account"`
	Link     string            `json:"link"`
	App      string            `json:"app"`
	At       time.Time         `json:"at"`
	Released []string          `json:"released"` // names only
	Said     mapping.Statement `json:"said"`     // what the provider said this time; empty for single sign-on
	SSO      bool              `json:"sso"`
}

// Record folds visits into SQL, each id once however often it is handed in.
func (a *Accounts) Record(ctx context.Context, ids []string, visits []Visit) error { panic("stub") }
