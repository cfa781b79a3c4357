package connectors

import "github.com/councilid/councilid/mapping"

// sessionOf is the person's session at the provider, where its end is of
// interest: said is what the ID token says, and raw is the token itself,
// decrypted.
func (c *oidcConnector) sessionOf(said mapping.Claims, raw string) *ProviderSession {
	return nil
}
