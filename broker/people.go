package broker

import (
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
)

// people are the council identities, as the operator's folder has them believed and
// kept.
func (b *Broker) people(cfg *config.Config) *accounts.Accounts {
	sectors := map[string]string{}
	for _, app := range cfg.Apps {
		sectors[app.ID] = app.Sector
	}
	people := accounts.Open(b.db, time.Now, cfg.Cap)
	people.CoolingOff, people.UndoTime = cfg.Broker.Residents.CoolingOff, cfg.Broker.Residents.Undo
	people.Sector = func(app string) string { return sectors[app] }
	return people
}
