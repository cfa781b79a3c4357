package simulator

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"maps"
	"strconv"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// Persona is somebody who can sign in.
type Persona struct {
	ID          string
	Title       string         // a name, or what goes wrong
	Description string         // what is particular about this person
	Person      mapping.Claims // in standard claims; sub is the provider's own identifier of this person
	Fault       *Fault         // what goes wrong when this persona signs in; nil for nothing

	// Reaches is the most that a provider which asks for it finds out for sure.
	Reaches mapping.Assurance
	// Takes is how long this person needs to answer the provider's questions.
	Takes time.Duration
	// Elsewhere says that who this is gets proved days later, not in the browser:
	// the provider's page is left for its landing journey.
	Elsewhere bool

	accountOf string // id of the persona who had this account before
}

// Personas are all who can sign in: the people, then, one for each fault, the
// first of the people with that fault.
func (p *Provider) Personas() []Persona {
	all := make([]Persona, 0, len(p.people)+len(p.faults))
	for _, someone := range p.people {
		someone.Person = maps.Clone(someone.Person)
		all = append(all, someone)
	}
	for _, f := range p.faults {
		if !f.Beforehand() {
			all = append(all, p.stricken(f))
		}
	}
	return all
}

// persona returns the persona with an id.
func (p *Provider) persona(id string) (Persona, bool) {
	if number, ok := strings.CutPrefix(id, "load-"); ok {
		n, err := strconv.ParseUint(number, 10, 40)
		return p.crowd(n), err == nil
	}
	for _, someone := range p.people {
		if someone.ID == id {
			return someone, true
		}
	}
	if f := find(p.faults, id); f != nil && !f.Beforehand() {
		return p.stricken(f), true
	}
	return Persona{}, false
}

// stricken is the first of the people with a fault.
func (p *Provider) stricken(f *Fault) Persona {
	someone := p.people[0]
	return Persona{
		ID: f.ID, Title: f.Title, Description: f.expectation(), Person: maps.Clone(someone.Person), Fault: f, Reaches: someone.Reaches,
	}
}

// crowd is resident number n of a load test.
func (p *Provider) crowd(n uint64) Persona {
	number := strconv.FormatUint(n, 10)
	someone := Persona{ID: "load-" + number, Title: "Resident " + number, Reaches: proved(), Person: mapping.Claims{
		"name":           "Resident " + number,
		"given_name":     "Resident",
		"family_name":    number,
		"email":          "resident-" + number + "@example.org",
		"email_verified": true,
		"birthdate":      "1970-01-01",
		"residences":     []any{residence("1", "Simulation Street", "Exampleton", "EX4 3MP", "GB", strconv.FormatUint(10_000_000_000+n, 10))},
	}}
	p.admit(someone, n)
	return someone
}

// admit gives somebody an account at this provider, in the first tenant that
// the connector lets in.
func (p *Provider) admit(someone Persona, seed uint64) {
	someone.Person["sub"] = p.manner.subject(seed)
	if claim := p.terms.tenantClaim(); claim != "" && len(p.terms.tenants) > 0 {
		someone.Person[claim] = p.terms.tenants[0]
	}
}

// seed turns a persona's id into a number that no resident of a load test
// has. It is the same whenever and wherever the provider is played.
func (p *Provider) seed(id string) uint64 {
	sum := sha256.Sum256([]byte(cmp.Or(p.cfg.Preset, p.cfg.ID) + "\x00" + id))
	return 1<<40 | binary.BigEndian.Uint64(sum[:])>>24
}
