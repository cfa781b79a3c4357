package connectors

import "net/http"

// Some providers end sessions on a page of their own, which leads back to the
// address that it is given and says nothing of what became of them.

// logoutPage is the provider's page, which leads back here with id.
func (c *samlConnector) logoutPage(id string) string {
	return withQuery(c.settings.Logout.Page, c.settings.Logout.PageReturn, withQuery(c.slo, pageState, id))
}

// pageState is the parameter that brings the id back, named as OpenID Connect
// names it (RP-Initiated Logout 1.0 §3).
const pageState = "state"

// fromPage reports whether the browser comes from the provider's page. To have
// been there is all the answer that there is.
func (c *samlConnector) fromPage(r *http.Request) (id string, ok bool) {
	id = r.URL.Query().Get(pageState)
	return id, id != "" && c.settings.Logout.Page != "" && r.Method == http.MethodGet
}
