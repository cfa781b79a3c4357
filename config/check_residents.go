package config

import (
	"slices"
	"time"

	"github.com/councilid/councilid/mapping"
)

// residents checks what residents may do by themselves, how long what is kept of
// them is kept, and the tiles of their home page.
func (r report) residents(b *Broker) {
	for path, d := range map[string]time.Duration{
		"residents.cooling_off": b.Residents.CoolingOff, "residents.undo": b.Residents.Undo, "residents.delegation": b.Residents.Delegation,
		"retention.sign_ins": b.Retention.SignIns, "retention.delivered": b.Retention.Delivered, "retention.lookups": b.Retention.Lookups,
	} {
		r.positive(path, d)
	}
	if b.Retention.Inactive < firstReminder {
		r.wrong("retention.inactive", "must be more than %d days: residents are reminded so long before", firstReminder/day)
	}
	if b.Retention.Unfinished < day {
		r.wrong("retention.unfinished", "must be a day at least: people may be about to sign in")
	}
	for i, s := range b.Services {
		at := indexed("services", i)
		r.require(join(at, "label"), len(s.Label) > 0, "")
		r.require(join(at, "link"), s.Link != "", "")
		r.address(join(at, "link"), s.Link, web)
	}
}

// firstReminder is how long before their account is deleted residents are first
// reminded of it.
const firstReminder = 30 * day

// precedence checks whose word is to win, against the connectors there are.
func (r report) precedence(b *Broker, connectors []Connector) {
	sources, facets := []string{mapping.Resident}, mapping.Facets()
	for _, c := range connectors {
		sources = append(sources, c.ID)
	}
	for facet, p := range b.Claims {
		at := join("claims", facet)
		switch of := mapping.FacetOf(facet); {
		case slices.Contains(facets, facet):
		case of != facet:
			r.unknown(at, facet+" goes with "+of+", and with it alone", of, []string{of})
		default:
			r.unknown(at, facet+" is nothing that several sources are asked for: what a claim of the council's own says is told by whoever just said it",
				facet, facets)
		}
		for i, source := range p.Prefer {
			path := indexed(join(at, "prefer"), i)
			if !slices.Contains(sources, source) {
				r.unknown(path, source+" is no connector", source, sources)
			}
			if slices.Contains(p.Prefer[:i], source) {
				r.wrong(path, "is there twice")
			}
		}
		if r.own.has(join(at, "fresh")) {
			r.positive(join(at, "fresh"), p.Fresh)
		}
	}
}

// sharing checks what residents are told of an app, and asked.
func (r report) sharing(a *App) {
	r.require("purpose", a.Consent != "ask" || len(a.Purpose) > 0, " with consent: ask")
}
