package connectors

import (
	"net/http"
	"net/url"
	"slices"
)

// callback is what the browser brought back: an authorization response
// (RFC 6749 §4.1.2), not trusted yet.
type callback struct {
	code    string
	iss     string // RFC 9207
	err     string
	subcode string // error_subcode or error_reason, where a provider adds one
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
	c := callback{code: params["code"], iss: params["iss"], err: params["error"], subcode: params["error_subcode"]}
	if c.subcode == "" {
		c.subcode = params["error_reason"]
	}
	if c.err == "" && c.code == "" {
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
	case c.err != "":
		return p.refusal(c.err, c.subcode)
	}
	return nil
}
