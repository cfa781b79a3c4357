package council

import (
	"net/http"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// counted is a batch that counts a step against the client's network, in the
// round trip that carries it out.
func (c *Council) counted(r *http.Request) *store.Batch {
	b := c.Store.Batch()
	b.Count("address:"+c.network(r), c.Limit)
	return b
}

func (c *Council) network(r *http.Request) string {
	return web.Network(c.Site.Address(r)).String()
}

// Passwords are tried only so often about one address: from one network, so that a
// single one does not use up everybody's tries, and in all, so that many networks
// together do not guess more. The right ones count, too.
var (
	passwordsFromHere = store.Limit{PerHour: 20}
	passwordsInAll    = store.Limit{PerHour: 100}
)

// countPassword counts a try. The error is a store.Exceeded where it is too often. A
// browser that is known for the address may try as often as a network, whatever
// strangers have done.
func (c *Council) countPassword(r *http.Request, about address) error {
	known, err := c.recognised(r, about)
	if err != nil {
		return err
	}
	if known != "" {
		return c.count(r, "council-password:known "+known, passwordsFromHere)
	}
	if err := c.count(r, "council-password:"+about.Key+" "+c.network(r), passwordsFromHere); err != nil {
		return err
	}
	return c.count(r, "council-password:"+about.Key, passwordsInAll)
}

func (c *Council) count(r *http.Request, key string, limit store.Limit) error {
	b := c.Store.Batch()
	b.Count(key, limit)
	return b.Exec(r.Context())
}
