package connectors

import (
	"cmp"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/go-jose/go-jose/v4"
	"golang.org/x/oauth2"

	"github.com/councilid/councilid/config"
)

// registration is who we are to a provider: what was agreed when the council
// registered there.
type registration struct {
	clientID string
	redirect string
	method   string // config.OIDC.ClientAuth
	secret   string
	signer   jose.Signer // of private_key_jwt and signed_secret, else nil
	team     string      // in whose name signed_secret is made,
	issuer   string      // and for whom
	now      func() time.Time
}

func register(cfg config.Connector, method string, o Options) (registration, error) {
	oidc := cmp.Or(cfg.OIDC, &config.OIDC{}) // the other protocols have no private keys
	r := registration{
		clientID: cfg.ClientID, redirect: o.Redirect, method: method,
		team: oidc.Team, issuer: oidc.Issuer, now: o.Now,
	}
	var err error
	switch method {
	case "client_secret_basic", "client_secret_post":
		r.secret = cfg.ClientSecret.Reveal()
	case "private_key_jwt", "signed_secret":
		r.signer, err = assertionSigner(*oidc)
	case "none":
	default:
		err = fmt.Errorf("client_auth: %q is not known", method)
	}
	return r, err
}

// oauth is the registration in the words of x/oauth2, which encodes both parts
// of Basic authentication (RFC 6749 §2.3.1).
func (r registration) oauth(endpoint oauth2.Endpoint) *oauth2.Config {
	conf := &oauth2.Config{ClientID: r.clientID, RedirectURL: r.redirect, Endpoint: endpoint}
	conf.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	if r.method == "client_secret_basic" {
		conf.ClientSecret, conf.Endpoint.AuthStyle = r.secret, oauth2.AuthStyleInHeader
	}
	return conf
}

// credentials are the parameters that authenticate us; audience is that of
// client assertions.
func (r registration) credentials(audience string) (map[string]string, error) {
	switch r.method {
	case "client_secret_post":
		return map[string]string{"client_secret": r.secret}, nil
	case "signed_secret":
		secret, err := r.signedSecret()
		return map[string]string{"client_secret": secret}, err
	case "private_key_jwt":
		assertion, err := r.assertion(audience)
		return map[string]string{
			"client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
			"client_assertion":      assertion,
		}, err
	}
	return nil, nil
}

// authenticate authenticates a form that is posted to another endpoint than the
// token endpoint.
func (r registration) authenticate(form url.Values, header http.Header, audience string) error {
	credentials, err := r.credentials(audience)
	for name, value := range credentials {
		form.Set(name, value)
	}
	if r.method == "client_secret_basic" {
		basic := http.Request{Header: header}
		basic.SetBasicAuth(url.QueryEscape(r.clientID), url.QueryEscape(r.secret)) // RFC 6749 §2.3.1
	}
	return err
}

// assertionLifetime is short because an assertion is used at once and only
// once.
const assertionLifetime = 2 * time.Minute

// assertion authenticates us by a signed token (RFC 7523 §2.2, §3).
func (r registration) assertion(audience string) (string, error) {
	return r.sign(map[string]any{"iss": r.clientID, "sub": r.clientID, "aud": audience, "jti": rand.Text()})
}

// signedSecret is a client secret in the manner of Apple: a token that the team
// signs for the provider.
func (r registration) signedSecret() (string, error) {
	return r.sign(map[string]any{"iss": r.team, "sub": r.clientID, "aud": r.issuer})
}

func (r registration) sign(claims map[string]any) (string, error) {
	if r.signer == nil {
		return "", errors.New("sign client assertion: there is no private key")
	}
	now := r.now()
	claims["iat"], claims["exp"] = now.Unix(), now.Add(assertionLifetime).Unix()
	payload, err := json.Marshal(claims)
	if err != nil {
		return "", err
	}
	signed, err := r.signer.Sign(payload)
	if err != nil {
		return "", fmt.Errorf("sign client assertion: %w", err)
	}
	return signed.CompactSerialize()
}

func assertionSigner(settings config.OIDC) (jose.Signer, error) {
	key, err := signingKey(settings)
	if err != nil {
		return nil, err
	}
	return jose.NewSigner(
		jose.SigningKey{Algorithm: jose.SignatureAlgorithm(key.Algorithm), Key: key},
		(&jose.SignerOptions{}).WithType("JWT"),
	)
}
