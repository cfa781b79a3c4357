package login

import (
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// Session is one browser signed in at the broker.
type Session struct {
	SID       string            `json:"sid"`       // names the session towards apps; says nothing about the cookie
	Account   accounts.Account  `json:"account"`   // whose it is
	Link      string            `json:"link"`      // the way in that was used
	Connector string            `json:"connector"` // its connector
	Said      mapping.Statement `json:"said"`      // what the provider said, in standard names
	AuthTime  time.Time         `json:"auth_time"` // when the resident authenticated at the provider
	Started   time.Time         `json:"started"`   // when the session began; its lifetime counts from here
}

// Use is one thing issued to one app in a session: the ledger's entry for
// logout.
type Use struct {
	Protocol string `json:"protocol"`
	App      string `json:"app"`
	Tag      string `json:"tag"` // the login's tag: where the front end keeps what it issued
}
