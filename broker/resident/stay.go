package resident

import (
	"encoding/json"
	"net/http"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
)

// stays is how long whoever is signed in by s stays so.
func (p *Pages) stays(s login.Session) web.Stay {
	left, over := p.Flow.Left(s), p.Flow.Over(s)
	return web.Stay{Left: left, Over: web.DateOf(over), Last: !over.After(p.Now().Add(left))}
}

// stay keeps whoever asks for it signed in, as every page does that they open, and says
// for how long.
func (p *Pages) stay(w http.ResponseWriter, r *http.Request) error {
	s, err := p.Flow.Present(r)
	if err != nil {
		return err
	}
	stay := web.Stay{Last: true} // it is over
	if s != nil {
		stay = p.stays(*s)
	}
	w.Header().Set("Content-Type", "application/json")
	return json.NewEncoder(w).Encode(map[string]any{"seconds": stay.Seconds(), "last": stay.Last})
}
