package council

import (
	"net/http"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// limits are how often something may be done about one address: from one
// network, so that a single one does not use up everybody's, and in all, so that
// many networks together do not guess more. A browser that is known for the
// address may do as much as a network, whatever strangers have done.
type limits struct {
	kind            string
	fromHere, inAll store.Limit
	toAnybody       store.Limit // from one network about all addresses together
}

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

// within counts. The error is a store.Exceeded where it is too often.
func (c *Council) within(r *http.Request, l limits, about address) error {
	known, err := c.recognised(r, about)
	if err != nil {
		return err
	}
	if known != "" {
		return c.count(r, l.kind+":known "+known, l.fromHere)
	}
	if err := c.count(r, l.kind+":from "+c.network(r), l.toAnybody); err != nil {
		return err
	}
	if err := c.count(r, l.kind+":"+about.Key+" "+c.network(r), l.fromHere); err != nil {
		return err
	}
	return c.count(r, l.kind+":"+about.Key, l.inAll)
}

func (c *Council) count(r *http.Request, key string, limit store.Limit) error {
	b := c.Store.Batch()
	b.Count(key, limit)
	return b.Exec(r.Context())
}
