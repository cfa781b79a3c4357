// Package op is the broker's OpenID Provider: it answers the council's apps in
// OpenID Connect Core 1.0 with the authorization code flow, and nothing else.
//
//	app ──▶ GET /authorize ── parseAuthorization ──▶ login.Flow.Begin
//	                                                      │ … a session
//	app ◀── code, state, iss ◀── Issue ◀──────────────────┘
//	  │        writes code and grant
//	  ├──▶ POST /token     takes the code; one winner ──▶ ID token, access token
//	  └──▶ GET /userinfo   access token + grant ────────▶ sub and released claims
//
// What was issued hangs on one record, the grant. A code names it, access
// tokens are worth nothing without it, and to delete it is to revoke them all.
// The grant, its code and its access tokens share a tag, so that each request
// costs one round trip. Refresh tokens outlive the session and are kept in SQL.
//
// Each endpoint is a pair: a function from values to values, which holds all
// the checks and knows neither HTTP nor a store, and a handler around it. An
// answer reaches an app's address only through a [replyTo], which only a
// client makes, from the addresses that it registered.
//
// An app's claims come from the userinfo endpoint alone. The ID token says who
// signed in and when, which keeps it small and out of logs (OpenID Connect
// Core §5.4: with an access token, scope claims belong there).
package op
