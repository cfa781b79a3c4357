// Package idp is the broker's SAML 2.0 identity provider: the front end of the
// council's legacy apps, which are SAML service providers. It answers the Web
// Browser SSO profile and the Single Logout profile (SAML Profiles §4.1, §4.4).
//
//	app ──▶ GET|POST /saml/sso ── read ─ check ──▶ login.Flow.Begin
//	              GET /saml/start/{app} ────────────▶     │ … a session
//	app ◀── form with SAMLResponse ◀── Issue ◀────────────┘
//
//	app ──▶ GET|POST /saml/slo ── LogoutRequest ──▶ login.Flow.Leave ──▶ Left ──▶ app
//	                           └─ LogoutResponse ─▶ login.Flow.Answered
//	app ──▶ POST /saml/soap ───── LogoutRequest ──▶ login.Flow.EndSession
//
// A message that comes by POST comes from the app's site, and without our
// SameSite=Lax cookies. So it is checked, what it asks for is kept for a minute
// under a one-time handle, and the browser goes on by a redirect to a GET.
//
// Who sent a message is settled first, in receive: the app is looked up by
// Issuer, and a signature that is there is checked whether or not one is
// needed. Answers reach an app only through a [replyTo], which is only made of
// the endpoints that the app registered. Until there is one, whatever is wrong
// is told to the person, on a page; afterwards it is told to the app, in a
// signed Response.
//
// What was said to apps is not kept. The ledger of login and the index of name
// identifiers remember just enough to end sessions.
package idp
