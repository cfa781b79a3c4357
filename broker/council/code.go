package council

import (
	"context"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/onetime"
	"github.com/councilid/councilid/broker/store"
)

// What codes are good for. They are also what their letters are called.
const (
	forSignIn = "code"
	forMove   = "change"
)

// codeMinutes is how long a code serves, as pages and letters say it.
const codeMinutes = int(onetime.Lifetime / time.Minute)

// use is what a code is good for that the visit asks for: to whoever it turns out to
// be who reads it.
func (s *stay) use() onetime.Use {
	return onetime.Use{For: forSignIn, Browser: s.Browser}
}

// use is what a code is good for that the desk asks for, whose cookie one browser has.
func (d *desk) use() onetime.Use {
	return onetime.Use{For: forMove, Who: d.User, Browser: d.handle.Ref()}
}

// sendCode sends a code to the address, in place of the one that was sent under h
// before.
func (c *Council) sendCode(r *http.Request, h store.Handle, to address, use onetime.Use) error {
	known, err := c.recognised(r, to)
	if err != nil {
		return err
	}
	code, err := c.codes.New(r.Context(), h, onetime.Ask{To: to.Text, Use: use, Network: c.network(r), Known: known})
	if err != nil {
		return err
	}
	l, err := c.write(r, to, use.For, contents{Code: code, Minutes: codeMinutes})
	if err != nil {
		return err
	}
	return c.Post.Send(r.Context(), l)
}

// redeem returns the address that the code under h shows to be read.
func (c *Council) redeem(ctx context.Context, h store.Handle, use onetime.Use, typed string) (address, error) {
	to, err := c.codes.Redeem(ctx, h, use, typed)
	if err != nil {
		return address{}, err
	}
	return parseAddress(to)
}
