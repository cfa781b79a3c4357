package idp

import (
	"slices"

	"github.com/councilid/councilid/config"
)

// connector is the first of the providers that a request lists (Core §3.4.1.3)
// that the app's residents may use, by its connector's id; "" for none. The list
// is a hint: the registration says which providers there are.
func (s *Server) connector(a *app, providers []string) string {
	for _, provider := range providers {
		for _, way := range s.Flow.Ways {
			allowed := len(a.Connectors) == 0 || slices.Contains(a.Connectors, way.Config.ID)
			if allowed && provider != "" && slices.Contains(providerNames(way.Config), provider) {
				return way.Config.ID
			}
		}
	}
	return ""
}

// providerNames are what apps may call a connector's provider: its own name,
// and ours. Of metadata that describes one provider the operator need not have
// said whose it is.
func providerNames(c config.Connector) []string {
	names := []string{c.ID}
	if c.OIDC != nil {
		names = append(names, c.OIDC.Issuer)
	}
	if c.SAML != nil {
		names = append(names, c.SAML.Metadata.EntityID)
	}
	return names
}
