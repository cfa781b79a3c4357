package council_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/db"
)

// However many never finished, on however many nodes, they are forgotten; those who
// may still do are not.
func TestSweep(t *testing.T) {
	onEach(t, func(b *bed) {
		b.must(b.sql.InTx(t.Context(), func(tx *db.Tx) error {
			var rows []string
			for i := range 1200 {
				rows = append(rows, fmt.Sprintf("('old-%d', 'old-%[1]d@example.org', 'old-%[1]d@example.org', 0, %d)", i, b.now().UnixMicro()))
			}
			_, err := tx.Exec(t.Context(), `INSERT INTO council_users (id, address, address_key, changes, created_at) VALUES `+strings.Join(rows, ", "))
			return err
		}))
		const month = 30 * 24 * time.Hour
		b.pass(month + time.Second)
		w := b.browser()
		w.signIn("jo@example.org")
		var all sync.WaitGroup
		for _, way := range b.ways {
			all.Go(func() {
				if err := way.Sweep(t.Context(), month); err != nil {
					t.Error(err)
				}
			})
		}
		all.Wait()
		var left string
		b.must(b.sql.QueryRow(t.Context(), `SELECT string_agg(address, ' ') FROM council_users`).Scan(&left))
		if left != "jo@example.org" {
			t.Errorf("left are %s", left)
		}
	})
}
