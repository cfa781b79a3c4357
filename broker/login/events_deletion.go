package login

import (
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// deletionTime is how long people can ask what became of their request at a
// provider to delete what it told the council. The record is session state: where
// Redis loses it, the page knows nothing of the request, which was carried out all
// the same.
const deletionTime = 90 * 24 * time.Hour

// deletion is what became of such a request.
type deletion struct {
	Connector string    `json:"connector"`
	At        time.Time `json:"at"`
	Anybody   bool      `json:"anybody"` // the person had signed in here
}

// deletionTable keeps deletions by the code that the provider shows the person.
var deletionTable = store.Table[deletion]{Name: "deletion"}

func deletionHandle(code string) store.Handle {
	return store.Handle{Tag: fingerprint("deletion", code)}
}

// deleted enters in b what became of a request.
func (f *Flow) deleted(b *store.Batch, code, connector string, anybody bool) {
	deletionTable.Put(b, deletionHandle(code), deletion{Connector: connector, At: f.Now(), Anybody: anybody}, deletionTime)
}

// handleDeletionStatus is the page to which a provider sends people who asked it
// to have their data deleted. It says nothing about anybody.
func (f *Flow) handleDeletionStatus(w http.ResponseWriter, r *http.Request) error {
	b := f.counted(r)
	found := deletionTable.Get(b, deletionHandle(r.PathValue("code")))
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	d, ok := found.Value()
	if !ok {
		return f.Site.Page(w, r, http.StatusNotFound, "deletion", web.Deletion{})
	}
	page := web.Deletion{Known: true, Anybody: d.Anybody, Provider: f.label(r, d.Connector), At: d.At}
	return f.Site.Page(w, r, http.StatusOK, "deletion", page)
}
