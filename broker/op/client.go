package op

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/go-jose/go-jose/v4"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// Ways in which a client authenticates (OpenID Connect Core §9).
const (
	clientSecretBasic = "client_secret_basic"
	clientSecretPost  = "client_secret_post"
	privateKeyJWT     = "private_key_jwt"
	noAuthentication  = "none"
)

// client is an app's registration, made ready for use. It does not change.
type client struct {
	id      string
	app     config.App
	oidc    config.AppOIDC
	secret  [sha256.Size]byte // of methods with a secret: its hash, so that all have one length
	keys    []jose.JSONWebKey // of private_key_jwt
	release *mapping.Release

	outbound *connectors.Outbound // nil for an app that is not told of sign-outs
}

func newClient(app config.App) (*client, error) {
	c := &client{id: app.OIDC.ClientID, app: app, oidc: *app.OIDC}
	if err := c.readCredentials(); err != nil {
		return nil, err
	}
	var rules []mapping.ReleaseRule
	for _, r := range app.Release {
		rules = append(rules, mapping.ReleaseRule{As: r.As, Value: r.Value})
	}
	release, mistakes := mapping.CompileRelease(rules)
	if len(mistakes) > 0 {
		return nil, &mistakes[0]
	}
	c.release = release
	return c, nil
}

func (c *client) readCredentials() (err error) {
	switch c.oidc.ClientAuth {
	case clientSecretBasic, clientSecretPost:
		secret := c.oidc.ClientSecret.Reveal()
		if secret == "" {
			return errors.New("the client secret is empty")
		}
		c.secret = sha256.Sum256([]byte(secret))
	case privateKeyJWT:
		c.keys, err = readKeys(c.oidc.JWKS)
	case noAuthentication:
	default:
		return fmt.Errorf("unknown client_auth %q", c.oidc.ClientAuth)
	}
	return err
}

// readKeys reads a client's public keys from a JWK Set (RFC 7517 §5).
func readKeys(file string) ([]jose.JSONWebKey, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var set jose.JSONWebKeySet
	if err := json.Unmarshal(text, &set); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, k := range set.Keys {
		if !k.IsPublic() || !k.Valid() {
			return nil, fmt.Errorf("%s: key %q is not a public key", file, k.KeyID)
		}
	}
	if len(set.Keys) == 0 {
		return nil, fmt.Errorf("%s: no keys", file)
	}
	return set.Keys, nil
}

// public reports whether the client cannot keep a secret (RFC 6749 §2.1).
func (c *client) public() bool { return c.oidc.ClientAuth == noAuthentication }

// unassured reports whether nobody can tell the app at uri from another that
// took its client_id and its address: a public client at a loopback or
// private-use address. It gets no answer without the resident's doing
// (RFC 8252 §8.6).
func (c *client) unassured(uri string) bool {
	return c.public() && !strings.HasPrefix(uri, "https:")
}

// pkce reports whether the client must use PKCE. Public clients always must
// (RFC 9700 §2.1.1).
func (c *client) pkce() bool { return c.public() || c.oidc.PKCE == "required" }

// grantable are the scopes of those asked for that the client may have, in
// their order. Unknown ones are ignored (OpenID Connect Core §3.1.2.1).
//
// For offline_access the registration is the permission that OpenID Connect
// Core §11 asks for: it is the council that lets its app act while the
// resident is away, so a prompt for consent is not required of the app.
func (c *client) grantable(asked []string) []string {
	var scopes []string
	for _, scope := range asked {
		known := slices.Contains(knownScopes[:], scope) && (scope != offlineAccess || c.oidc.Refresh)
		if known && !slices.Contains(scopes, scope) {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// Scopes that mean something here (OpenID Connect Core §5.4 and §11).
const (
	openID        = "openid"
	offlineAccess = "offline_access"
)

var knownScopes = [...]string{openID, "profile", "email", "address", "phone", offlineAccess}
