package council

import "github.com/councilid/councilid/mapping"

// method is how a resident signed in. It is what the connector's levels are
// read from.
type method string

const (
	byCode         method = "code"          // a code that was sent to the address
	byPassword     method = "password"      // a password alone
	byPasswordCode method = "password_code" // both
	byPasskey      method = "passkey"       // a passkey that verified its user
	byBoundPasskey method = "passkey_bound" // one that is known not to leave its device
	byAccount      method = "account"       // another way in to the same account; it opens these pages and is told nobody
)

// proves is what a sign-in by m is worth by the connector's levels.
func (c *Council) proves(m method) mapping.Assurance {
	return c.rules.Assess(mapping.Signed{"council": {"method": string(m)}})
}

// enough reports whether m proves what the visit needs.
func (c *Council) enough(s *stay, m method) bool { return c.proves(m).AtLeast(s.Need) }
