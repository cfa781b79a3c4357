package connectors

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// callback is what the browser brought back: an authorization response
// (RFC 6749 §4.1.2), not trusted yet.
type callback struct {
	code string
	iss  string // RFC 9207
	err  denial
	form url.Values // what was posted (OAuth 2.0 Form Post Response Mode)
}

// readCallback reads the parameters of the query or, for the response mode
// form_post, of the form.
func readCallback(r *http.Request) (callback, error) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return callback{}, fail(Refused, "callback has a malformed query")
	}
	if err := r.ParseForm(); err != nil {
		return callback{}, fail(Refused, "callback has a malformed form")
	}
	return parseCallback(query, r.PostForm)
}

func parseCallback(query, form url.Values) (callback, error) {
	params := make(map[string]string, len(query)+len(form))
	for _, values := range []url.Values{query, form} {
		for name, v := range values {
			// RFC 6749 §3.1: a parameter comes once. Of two, each reader
			// might take another.
			if _, twice := params[name]; twice || len(v) != 1 {
				return callback{}, fail(Refused, "callback repeats a parameter")
			}
			params[name] = v[0]
		}
	}
	c := callback{code: params["code"], iss: params["iss"], form: form, err: denial{
		code:        params["error"],
		subcode:     cmp.Or(params["error_subcode"], params["error_reason"]),
		description: params["error_description"],
	}}
	if c.err.code == "" && c.code == "" {
		return callback{}, fail(Refused, "callback has neither code nor error")
	}
	return c, nil
}

// accept checks that the answer is from the provider that was asked (RFC 9207
// §2.4), whose iss is one of issuers, and that it is not an error. Errors are
// checked as well: a foreign provider's refusal is no answer either.
func (p *provider) accept(c callback, issuers []string, issRequired bool) error {
	switch {
	case c.iss == "" && issRequired:
		return fail(Refused, "callback lacks iss")
	case c.iss != "" && !slices.Contains(issuers, c.iss):
		return fail(Refused, "callback has the iss of another issuer")
	case c.err.code != "":
		return p.refusal(c.err)
	}
	return nil
}

// maxFormClaim bounds a field of the form that becomes a claim. Apple's, with a
// name and an address, has some hundred bytes.
const maxFormClaim = 8 << 10

// checkFormClaims refuses names under which people look for what a provider said
// from server to server.
func checkFormClaims(settings config.OIDC) error {
	for _, name := range settings.FormClaims {
		_, called := settings.Calls[name]
		_, nested := settings.Nested[name]
		if called || nested {
			return fmt.Errorf("form_claims: the name %s is taken", name)
		}
	}
	return nil
}

// formClaims are the fields of these names that hold JSON objects. The browser
// brought them, and nobody signed them: what is malformed is left out.
func (c callback) formClaims(names []string) mapping.Claims {
	claims := mapping.Claims{}
	for _, name := range names {
		var object map[string]any
		text := c.form.Get(name)
		if len(text) > maxFormClaim || json.Unmarshal([]byte(text), &object) != nil || object == nil {
			continue
		}
		claims[name] = object
	}
	return claims
}
