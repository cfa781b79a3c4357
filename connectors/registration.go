package connectors

import (
	"cmp"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
)

// registration is who we are to a provider: what was agreed when the council
// registered there.
type registration struct {
	clientID string
	secret   string
	redirect string
	style    oauth2.AuthStyle
	signer   jose.Signer // for private_key_jwt, else nil
	now      func() time.Time
}

func register(cfg config.Connector, method string, o Options) (registration, error) {
	oidc := cmp.Or(cfg.OIDC, &config.OIDC{}) // the other protocols have no private keys
	r := registration{clientID: cfg.ClientID, redirect: o.Redirect, style: oauth2.AuthStyleInParams, now: o.Now}
	var err error
	switch method {
	case "client_secret_basic":
		r.secret, r.style = cfg.ClientSecret.Reveal(), oauth2.AuthStyleInHeader // x/oauth2 encodes both parts: RFC 6749 §2.3.1
	case "client_secret_post":
		r.secret = cfg.ClientSecret.Reveal()
	case "private_key_jwt":
		r.signer, err = assertionSigner(*oidc)
	case "none":
	default:
		err = fmt.Errorf("client_auth: %q is not known", method)
	}
	return r, err
}

// oauth is the registration in the words of x/oauth2.
func (r registration) oauth(endpoint oauth2.Endpoint) *oauth2.Config {
	endpoint.AuthStyle = r.style
	return &oauth2.Config{ClientID: r.clientID, ClientSecret: r.secret, RedirectURL: r.redirect, Endpoint: endpoint}
}

// assertionLifetime is short because an assertion is used at once and only
// once.
const assertionLifetime = 2 * time.Minute

// assertion authenticates us by a signed token (RFC 7523 §2.2, §3).
func (r registration) assertion(audience string) ([]oauth2.AuthCodeOption, error) {
	if r.signer == nil {
		return nil, nil
	}
	now := r.now()
	payload, err := json.Marshal(map[string]any{
		"iss": r.clientID,
		"sub": r.clientID,
		"aud": audience,
		"jti": rand.Text(),
		"iat": now.Unix(),
		"exp": now.Add(assertionLifetime).Unix(),
	})
	if err != nil {
		return nil, err
	}
	signed, err := r.signer.Sign(payload)
	if err != nil {
		return nil, fmt.Errorf("sign client assertion: %w", err)
	}
	token, err := signed.CompactSerialize()
	if err != nil {
		return nil, err
	}
	return []oauth2.AuthCodeOption{
		oauth2.SetAuthURLParam("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
		oauth2.SetAuthURLParam("client_assertion", token),
	}, nil
}

func assertionSigner(settings config.OIDC) (jose.Signer, error) {
	key, err := settings.SigningKey()
	if err != nil {
		return nil, fmt.Errorf("private_key: %w", err)
	}
	algorithm := jose.ES256
	if _, ok := key.(*rsa.PrivateKey); ok {
		algorithm = jose.RS256
	}
	options := (&jose.SignerOptions{}).WithType("JWT")
	if settings.KeyID != "" {
		options = options.WithHeader("kid", settings.KeyID)
	}
	return jose.NewSigner(jose.SigningKey{Algorithm: algorithm, Key: key}, options)
}
