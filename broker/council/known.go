package council

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/store"
)

// A browser in which somebody has signed in is known for their address from then
// on, and is limited by itself: strangers who use up what everybody together may
// try about the address do not keep its owner out (OWASP, Slow Down Online
// Guessing Attacks with Device Cookies).
//
// The cookie is random. For whom the browser is known is looked up under both, the
// cookie and the address, of which neither can be read from where it is kept.

// knownTable has an entry for each browser and address by which somebody has
// signed in there.
var knownTable = store.Table[bool]{Name: "council-known"}

const (
	knownCookie = "council-known"

	// knownTime is as long as browsers keep a cookie (RFC 6265bis §5.5): some
	// residents sign in once a year.
	knownTime = 400 * 24 * time.Hour
)

// together is where it is kept that the browser whose cookie is h is known for a.
func together(h store.Handle, a address) store.Handle {
	mac := hmac.New(sha256.New, []byte(h.Secret))
	mac.Write([]byte(a.Key))
	return store.Handle{Tag: h.Tag, Secret: hex.EncodeToString(mac.Sum(nil))}
}

// recognised is what the browser of r is called in limits about a; "" for one in
// which nobody has signed in by that address.
func (c *Council) recognised(r *http.Request, a address) (string, error) {
	h, ok := c.knownHandle(r)
	if !ok {
		return "", nil
	}
	b, at := c.Store.Batch(), together(h, a)
	found := knownTable.Get(b, at)
	if err := b.Exec(r.Context()); err != nil {
		return "", err
	}
	if known, _ := found.Value(); !known {
		return "", nil
	}
	return at.Ref(), nil
}

func (c *Council) knownHandle(r *http.Request) (store.Handle, bool) {
	cookie, err := r.Cookie(c.Site.Cookie(knownCookie))
	if err != nil {
		return store.Handle{}, false
	}
	return store.ParseHandle(cookie.Value)
}

// recognise makes the browser known for the address of whoever has just signed in
// there. It may be known for others, too.
func (c *Council) recognise(w http.ResponseWriter, r *http.Request, b *store.Batch, a address) {
	h, ok := c.knownHandle(r)
	if !ok {
		h = store.NewHandle()
	}
	c.Site.SetCookie(w, knownCookie, h.String(), knownTime)
	knownTable.Put(b, together(h, a), true, knownTime)
}
