package accounts_test

import (
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/mapping"
)

// oracle is what must be true, worked out from the rules alone. What somebody brought,
// added, agreed to or let others do is for good of the account from which they came
// then. Whose it is today is where that account went since: so a merge moves nothing
// here, and undoing it puts nothing back.
type oracle struct {
	ways   map[accounts.Name]*way
	lives  map[string]*life   // by account, whatever became of it
	owners map[knownBy]string // whose an app was told that a subject is
	told   []knownBy          // those, in order
	unions []*union           // in order
	deeds  []*deed
	agreed []*agreement
}

func newOracle() oracle {
	return oracle{ways: map[accounts.Name]*way{}, lives: map[string]*life{}, owners: map[knownBy]string{}}
}

// way is a way in, by what its provider knows the person by.
type way struct {
	link, connector string
	of              origins
	inherit         mapping.Assurance
	frozen, dead    bool
	created, used   time.Time
	proofs          []proved
}

// origins are the accounts from which something comes: several, where ways in of two
// that were merged have become one.
type origins []string

// leads reports whether somebody gets in by it.
func (w *way) leads() bool { return !w.frozen && !w.dead }

// proved is something that a way in proved of the person.
type proved struct {
	level mapping.Assurance
	until time.Time // the zero time: for good
}

// valid reports whether it counts.
func (p proved) valid(at time.Time) bool { return p.until.IsZero() || at.Before(p.until) }

// life is what became of an account.
type life struct {
	key    []byte
	into   string    // the account that absorbed it; "": none
	leaves time.Time // when it is erased; the zero time: never
	erased bool
	acquaintances
}

// acquaintances are what the apps of each sector know an account by, and when they saw
// it last.
type acquaintances struct {
	knows map[string]string
	last  map[string]time.Time
}

// knownBy is a subject at the apps of a sector.
type knownBy struct{ sector, subject string }

// now is the account that one is part of today.
func (o oracle) now(account string) string {
	for o.lives[account].into != "" {
		account = o.lives[account].into
	}
	return account
}

// whose is the account that has something today. It is nobody's, and at an end, where
// it comes from two that have one name no more.
func (o oracle) whose(of origins) string {
	for _, account := range of {
		if o.now(account) != o.now(of[0]) {
			return ""
		}
	}
	return o.now(of[0])
}

// of are the ways in to an account, in order.
func (o oracle) of(account string) (names []accounts.Name) {
	for _, name := range o.names() {
		if o.whose(o.ways[name].of) == account {
			names = append(names, name)
		}
	}
	return names
}

// names are those of all ways in, in order.
func (o oracle) names() []accounts.Name {
	return slices.SortedFunc(maps.Keys(o.ways), func(a, b accounts.Name) int {
		return strings.Compare(a.Issuer+a.Subject, b.Issuer+b.Subject)
	})
}

// usable counts the ways by which somebody gets in to an account, but for one.
func (o oracle) usable(account string, but accounts.Name) (n int) {
	for _, name := range o.of(account) {
		if name != but && o.ways[name].leads() {
			n++
		}
	}
	return n
}

// resembled reports whether somebody new, who gives the address that all give,
// resembles somebody: of whom a provider vouches for it still.
func (o oracle) resembled() bool {
	for _, w := range o.ways {
		if !w.dead {
			return true
		}
	}
	return false
}

// makes has a way in lead to an account, or comes to life again that is dead.
func (o oracle) makes(in accounts.SignIn, of origins, inherit mapping.Assurance, now time.Time) {
	made := &way{connector: in.Connector, of: of, inherit: inherit, created: now, used: now}
	if dead := o.ways[nameOf(in)]; dead != nil {
		made.link, made.of = dead.link, dead.of
	}
	o.ways[nameOf(in)] = made
}

func nameOf(in accounts.SignIn) accounts.Name {
	return accounts.Name{Issuer: in.Issuer, Subject: in.Subject}
}

// worth is identity and residency of a sign-in by a way in, each as the highest number
// that some proof gives.
func (o oracle) worth(by *way, now mapping.Assurance, at time.Time) (identity, residency int) {
	identity, residency = int(now.Identity), int(now.Residency)
	if now.Authenticator != mapping.Cm && now.Authenticator != mapping.Ch {
		return 0, 0 // nothing rides on a weak sign-in
	}
	for _, name := range o.of(o.whose(by.of)) {
		other := o.ways[name]
		if !other.leads() {
			continue
		}
		most := mapping.Assurance{Identity: mapping.P4, Residency: mapping.R3} // what it brought itself
		if other != by {
			most = by.inherit // what others brought counts as far as it was linked for
		}
		for _, p := range other.proofs {
			if p.valid(at) {
				identity = max(identity, min(int(p.level.Identity), int(most.Identity)))
				residency = max(residency, min(int(p.level.Residency), int(most.Residency)))
			}
		}
	}
	return identity, residency
}

// ever is all that was proved of an account's person at any time.
func (o oracle) ever(account string) (all mapping.Assurance) {
	for _, name := range o.of(account) {
		for _, p := range o.ways[name].proofs {
			all = all.Join(p.level)
		}
	}
	return all
}

// subject is what the apps of a sector know an account by: what they knew it by
// before, or else what follows from its key.
func (o oracle) subject(account, sector string) string {
	if subject, ok := o.lives[account].knows[sector]; ok {
		return subject
	}
	return mapping.Pairwise(o.lives[account].key, sector)
}

// owns keeps whose a subject is that an app is told.
func (o *oracle) owns(account string, at knownBy) {
	if o.owners[at] == "" {
		o.owners[at], o.told = account, append(o.told, at)
	}
}

// ends has accounts end for good, with all that was merged into them.
func (o oracle) ends(account string) {
	of := func(any string) bool { return o.now(any) == account }
	for _, name := range o.of(account) {
		delete(o.ways, name)
	}
	for _, a := range o.agreed {
		a.ended = a.ended || o.whose(a.of) == account
	}
	for _, d := range o.deeds {
		if o.whose(d.principal) == account || d.delegate != nil && o.whose(d.delegate) == account {
			d.delegate, d.ended = nil, true
		}
	}
	for any, l := range o.lives {
		l.erased = l.erased || of(any)
	}
}
