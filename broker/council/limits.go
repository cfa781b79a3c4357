package council

import (
	"net/http"

	"github.com/councilid/councilid/broker/store"
	"github.com/councilid/councilid/broker/web"
)

// limits are how often something may be done about one address: from one
// network, so that nobody locks others out of their accounts, and in all, so
// that many networks together do not guess more.
type limits struct {
	kind            string
	fromHere, inAll store.Limit
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
	b := c.Store.Batch()
	b.Count(l.kind+":"+about.Key+" "+c.network(r), l.fromHere)
	if err := b.Exec(r.Context()); err != nil {
		return err
	}
	b.Count(l.kind+":"+about.Key, l.inAll)
	return b.Exec(r.Context())
}
