// Package idp is the broker's SAML 2.0 identity provider: the front end of apps
// that speak SAML.
package idp

// Protocol names this front end in login.Request.Protocol.
const Protocol = "saml"
