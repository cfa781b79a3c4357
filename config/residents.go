package config

import (
	"time"

	"github.com/councilid/councilid/mapping"
)

// Preference says whose word wins where several ways in say different things of
// one person.
type Preference struct {
	// Prefer lists connectors by id, best first; resident is what residents say
	// themselves. Others come after them: of who somebody is, first those that
	// proved most of the person, then those that vouch for what they say, then the
	// latest, and the resident's own word last; of how to reach them, what is
	// vouched for first, and then the resident's own.
	// Example: [one-login, scotaccount]
	Prefer []string `yaml:"prefer,omitempty"`

	// Fresh is how old a word may be before it yields to any that is younger.
	// Default: none is too old. Example: 8760h
	Fresh time.Duration `yaml:"fresh,omitempty"`
}

// Precedence is Broker.Claims as sign-ins are weighed by it.
func (b Broker) Precedence() mapping.Precedence {
	p := mapping.Precedence{}
	for facet, preference := range b.Claims {
		p[facet] = mapping.Preference{Sources: preference.Prefer, Fresh: preference.Fresh}
	}
	return p
}

// Residents is what residents may do with their account by themselves.
type Residents struct {
	// CoolingOff is how long a resident may think again who has deleted their
	// account. Default: 336h (14 days).
	CoolingOff time.Duration `yaml:"cooling_off,omitempty"`

	// Undo is how long two accounts that were merged can be taken apart again.
	// Default: 720h (30 days).
	Undo time.Duration `yaml:"undo,omitempty"`

	// Delegation is the longest that somebody may act for somebody else without
	// being named anew. Default: 8760h (a year).
	Delegation time.Duration `yaml:"delegation,omitempty"`
}

// Retention is how long records are kept. A janitor deletes what is older, every
// hour, on any one node.
type Retention struct {
	// SignIns keeps the history of sign-ins that residents see under recent
	// activity. Default: 9528h (13 months).
	SignIns time.Duration `yaml:"sign_ins,omitempty"`

	// Inactive deletes accounts that nobody has signed in to for so long, after
	// reminders by e-mail 30 and 7 days before where an address is known.
	// Default: 26280h (3 years).
	Inactive time.Duration `yaml:"inactive,omitempty"`

	// Unfinished forgets those who have shown an e-mail address to the council's own
	// way in so long ago, and have not come back from there signed in yet. A day at
	// least. Default: 720h (30 days).
	Unfinished time.Duration `yaml:"unfinished,omitempty"`

	// Delivered keeps messages to apps and residents after they were delivered.
	// Default: 720h (30 days).
	Delivered time.Duration `yaml:"delivered,omitempty"`

	// Lookups keeps who of the council's officers looked at whose account, and
	// why. Default: 52560h (6 years).
	Lookups time.Duration `yaml:"lookups,omitempty"`
}

// Service is a tile on residents' home page that leads to something of the
// council's which is no app of the broker.
type Service struct {
	// Label is the service's name as residents know it. Required.
	// Example: Report a pothole
	Label Text `yaml:"label"`
	// Link is where it is. Required. Example: https://www.example.gov.uk/potholes
	Link string `yaml:"link"`
	// Tile is how it looks.
	Tile Tile `yaml:"tile,omitempty"`
}

// Tile is how a service looks on residents' home page.
type Tile struct {
	// Category is the heading under which it stands. Default: other services.
	// Example: Bins and recycling
	Category Text `yaml:"category,omitempty"`
	// Icon is one of the pictures that the pages have: bin, book, bus, car, child,
	// form, health, house, leaf, money, people, school, tree. Default: form.
	Icon string `yaml:"icon,omitempty" jsonschema:"enum=bin,enum=book,enum=bus,enum=car,enum=child,enum=form,enum=health,enum=house,enum=leaf,enum=money,enum=people,enum=school,enum=tree"`
	// Hidden leaves it out. Default: false.
	Hidden bool `yaml:"hidden,omitempty"`
}
