package council

import "context"

// Whoever changes how somebody signs in must have signed in by the strongest way
// that there is. Were less enough, a thief who reads somebody's mail could make
// a passkey, and the weakest way in would be the strongest.

// strength orders the methods by what they may change.
func (m method) strength() int {
	switch m {
	case byPasskey, byBoundPasskey, byAccount:
		return 3
	case byPasswordCode:
		return 2
	}
	return 1
}

// mayChange reports whether somebody who has signed in by m may change how the
// user signs in.
func (c *Council) mayChange(ctx context.Context, who holder, m method) (bool, error) {
	strongest, err := c.strongest(ctx, who)
	return m.strength() >= strongest.strength(), err
}

// strongest is the strongest way in that the user has. Where other ways in have
// brought evidence of the person to the user's account, these are: a code must
// not be enough to come by it.
func (c *Council) strongest(ctx context.Context, who holder) (method, error) {
	if len(who.passkeys) > 0 {
		return byPasskey, nil
	}
	proven, err := c.Proven(ctx, issuer(c.Issuer), who.ID)
	switch {
	case err != nil || proven:
		return byAccount, err
	case who.Password != "":
		return byPasswordCode, nil
	}
	return byCode, nil
}
