package op

import (
	"cmp"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/web"
)

// What an authorization request may carry of what is returned, in bytes. The
// flow bounds the rest.
const (
	maxState = 2048
	maxNonce = 512
)

// authorization is an authorization request whose every parameter is sound
// (OpenID Connect Core §3.1.2.1).
type authorization struct {
	client        *client
	scopes        []string // granted: of those asked for, what the client may have
	nonce         string
	codeChallenge string // S256 (RFC 7636 §4.2); "" without PKCE
	passive       bool   // prompt=none
	force         bool   // prompt=login
	choose        bool   // prompt=select_account
	consent       bool   // prompt=consent
	maxAge        *time.Duration
	claims        claimsRequest
	wanted        wanted
	locales       []string
	loginHint     string
	connector     string
	idTokenHint   string // not verified yet
}

// parseAuthorization reads an authorization request. With an error it returns
// the client and where to send the error; or the zero replyTo where there is
// nobody to send it to, and an error for the person.
func parseAuthorization(form url.Values, clients map[string]*client, names contexts) (authorization, replyTo, error) {
	c, to, err := addressee(form, clients)
	if err != nil {
		return authorization{}, replyTo{}, err
	}
	a := authorization{client: c}
	for _, read := range []func(url.Values) error{
		a.readForm, a.readState, a.readResponse, a.readScope, a.readNonce, a.readPKCE, a.readPrompt, a.readMaxAge, a.readHints,
		a.readClaims,
	} {
		if err := read(form); err != nil {
			return a, to, err
		}
	}
	return a, to, a.readLevels(names, form.Get("vtr"), form.Get("acr_values"))
}

// addressee finds the client and the address that answers to it go to. Nothing
// else of the request matters before this is known (RFC 6749 §4.1.2.1).
func addressee(form url.Values, clients map[string]*client) (*client, replyTo, error) {
	if len(form["client_id"]) != 1 || len(form["redirect_uri"]) != 1 {
		return nil, replyTo{}, cannotBeCompleted(web.RequestInvalid, errors.New("client_id and redirect_uri are needed once each"))
	}
	c, ok := clients[form.Get("client_id")]
	if !ok {
		return nil, replyTo{}, cannotBeCompleted(web.AppUnknown, errors.New("no such client"))
	}
	state := form.Get("state")
	if len(form["state"]) > 1 || len(state) > maxState {
		state = "" // readState will refuse it
	}
	to, ok := c.replyTo(form.Get("redirect_uri"), state)
	if !ok {
		return nil, replyTo{}, cannotBeCompleted(web.RedirectURIUnknown, fmt.Errorf("the redirect_uri is not registered by app %s", c.app.ID))
	}
	return c, to, nil
}

// readForm refuses what makes the rest of the request ambiguous.
func (a *authorization) readForm(form url.Values) error {
	if repeated(form) {
		return refused(invalidRequest, "a parameter is repeated")
	}
	// OpenID Connect Core §6 and §7.2.1: to ignore them would be to answer
	// another request than the one that was made.
	for _, unsupported := range []struct{ parameter, code string }{
		{"request", requestNotSupported},
		{"request_uri", requestURINotSupported},
		{"registration", registrationNotSupported},
	} {
		if form.Has(unsupported.parameter) {
			return refused(unsupported.code, unsupported.parameter+" is not supported")
		}
	}
	return nil
}

// readState refuses a state that could not be returned whole.
func (a *authorization) readState(form url.Values) error {
	if len(form.Get("state")) > maxState {
		return refused(invalidRequest, "state is longer than 2048 bytes")
	}
	return nil
}

func (a *authorization) readResponse(form url.Values) error {
	switch form.Get("response_type") {
	case "code":
	case "":
		return refused(invalidRequest, "response_type is missing")
	default:
		return refused(unsupportedResponseType, "the only response_type is code")
	}
	if mode := form.Get("response_mode"); mode != "" && mode != "query" {
		return refused(invalidRequest, "the only response_mode is query")
	}
	return nil
}

func (a *authorization) readScope(form url.Values) error {
	a.scopes = a.client.grantable(strings.Fields(form.Get("scope")))
	if !slices.Contains(a.scopes, openID) {
		return refused(invalidScope, "scope must contain openid")
	}
	return nil
}

// readNonce takes a nonce that an ID token can carry, which is JSON.
func (a *authorization) readNonce(form url.Values) error {
	a.nonce = form.Get("nonce")
	if len(a.nonce) > maxNonce || !utf8.ValidString(a.nonce) {
		return refused(invalidRequest, "nonce must be UTF-8 of at most 512 bytes")
	}
	return nil
}

// readPKCE takes S256 alone: with plain, whoever reads the request knows the
// verifier (RFC 9700 §2.1.1).
func (a *authorization) readPKCE(form url.Values) error {
	challenge, method := form.Get("code_challenge"), form.Get("code_challenge_method")
	switch {
	case challenge == "" && method == "" && a.client.pkce():
		return refused(invalidRequest, "code_challenge is required (RFC 7636)")
	case challenge == "" && method == "":
		return nil
	case method != "S256":
		// Also where there is none: RFC 7636 §4.3 makes that plain.
		return refused(invalidRequest, "code_challenge_method must be S256")
	case len(challenge) != 43 || !isBase64URL(challenge):
		return refused(invalidRequest, "code_challenge is not the S256 of a verifier")
	}
	a.codeChallenge = challenge
	return nil
}

// readPrompt reads prompt (OpenID Connect Core §3.1.2.1). Where consent is implied,
// as what an app may see was settled when it was registered, asking for it changes
// nothing.
func (a *authorization) readPrompt(form url.Values) error {
	prompts := strings.Fields(form.Get("prompt"))
	for _, prompt := range prompts {
		switch prompt {
		case "none":
			a.passive = true
		case "login":
			a.force = true
		case "select_account":
			a.choose = true
		case "consent":
			a.consent = true
		default:
			return refused(invalidRequest, "prompt has an unknown value")
		}
	}
	if a.passive && len(prompts) > 1 {
		return refused(invalidRequest, "prompt none stands alone")
	}
	return nil
}

func (a *authorization) readMaxAge(form url.Values) error {
	text := form.Get("max_age")
	if text == "" {
		return nil
	}
	seconds, err := strconv.ParseUint(text, 10, 31)
	if err != nil {
		return refused(invalidRequest, "max_age is not a number of seconds")
	}
	age := time.Duration(seconds) * time.Second
	a.maxAge = &age
	return nil
}

// readHints reads what an app may say and nobody has to believe. display,
// claims_locales and parameters that nobody knows say nothing here.
func (a *authorization) readHints(form url.Values) error {
	a.locales = strings.Fields(form.Get("ui_locales"))
	a.loginHint = form.Get("login_hint")
	// The other two names are what apps that spoke to another broker before
	// are likely to send.
	a.connector = cmp.Or(form.Get("connector_hint"), form.Get("idp_hint"), form.Get("kc_idp_hint"))
	a.idTokenHint = form.Get("id_token_hint")
	return nil
}

// isBase64URL reports whether s is of the alphabet of RFC 4648 §5.
func isBase64URL(s string) bool {
	for _, c := range []byte(s) {
		if !isAlphanumeric(c) && c != '-' && c != '_' {
			return false
		}
	}
	return true
}

func isAlphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// repeated reports whether a parameter is there more than once, which RFC 6749
// §3.1 and §3.2 forbid: two readers might pick different ones.
func repeated(form url.Values) bool {
	for _, values := range form {
		if len(values) > 1 {
			return true
		}
	}
	return false
}
