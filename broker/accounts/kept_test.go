package accounts_test

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/broker/accounts"
)

// ofNobody are the tables that hold nothing about people, or whose own package
// exports and erases what they hold.
var ofNobody = map[string]string{
	"goose_db_version": "of the migrations",
	"audit_head":       "the end of the chain",
	"signing_keys":     "the broker's own",
	"chores":           "what nodes do",
	"council_users":    "the council's own way in is their Keeper",
	"council_passkeys": "the council's own way in is their Keeper",
}

// TestEveryColumnIsDecided fails for a table that is new, or has a new column, until
// somebody has said what people are shown of it, and what becomes of it when they are
// erased.
func TestEveryColumnIsDecided(t *testing.T) {
	onEach(t, func(t *testing.T, n node) {
		decided := map[string]bool{}
		for _, k := range accounts.OfPeople() {
			decided[k.Table()] = true
			columns, err := n.db.Query(t.Context(), `SELECT * FROM `+k.Table()+` WHERE 1 = 0`)
			if err != nil {
				t.Fatal(err)
			}
			want, err := columns.Columns()
			if err != nil {
				t.Fatal(err)
			}
			columns.Close()
			got := k.Columns()
			slices.Sort(want)
			slices.Sort(got)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s (-in the database +decided):\n%s", k.Title(), diff)
			}
		}
		for _, table := range n.tables(t) {
			if _, ok := ofNobody[table]; ok == decided[table] {
				t.Errorf("what becomes of %s is not decided, or twice", table)
			}
		}
	})
}
