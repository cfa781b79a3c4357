package demo

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/net/html"
)

// browser is one resident with cookies of their own.
type browser struct {
	http    *http.Client
	choose  string     // the connector taken where the broker asks for one; "" to stay on the page
	letters *Letterbox // where codes come to; nil to stay on the page that asks for one
}

// newBrowser is the browser of a persona of the simulated providers.
func newBrowser(choose, who string) (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	return &browser{choose: choose, http: &http.Client{
		Jar: jar, Transport: persona(who),
		CheckRedirect: func(_ *http.Request, via []*http.Request) error {
			if len(via) > 20 {
				return errors.New("more than twenty redirects")
			}
			return nil
		},
	}}, nil
}

// persona tells the simulated providers who is there.
type persona string

func (p persona) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Simulator-Persona", string(p))
	return http.DefaultTransport.RoundTrip(r)
}

// stop is the page where a walk ended.
type stop struct {
	url    *url.URL
	status int
	body   []byte
}

// get walks from an address.
func (b *browser) get(ctx context.Context, address string) (stop, error) {
	return b.walk(ctx, http.MethodGet, address, nil)
}

// post walks from a form without fields.
func (b *browser) post(ctx context.Context, address string) (stop, error) {
	return b.walk(ctx, http.MethodPost, address, url.Values{})
}

// walk follows redirects, submits forms that carry a message from one site to
// another as a browser's script would, chooses how to sign in, and does so by a
// code where the broker itself asks. Nobody has signed in in another way before.
func (b *browser) walk(ctx context.Context, method, address string, form url.Values) (stop, error) {
	for range 20 {
		at, err := b.step(ctx, method, address, form)
		if err != nil {
			return at, err
		}
		next, fields := messageForm(at)
		if next == "" && b.letters != nil {
			next, fields = b.councilForm(at)
		}
		switch {
		case next != "":
			method, address, form = http.MethodPost, next, fields
		case at.url.Path == "/choose" && b.choose != "":
			method, form = http.MethodGet, nil
			address = at.url.ResolveReference(&url.URL{Path: "/start/" + b.choose, RawQuery: at.url.RawQuery}).String()
		case at.url.Path == "/before":
			method, address, form = http.MethodPost, at.url.String(), url.Values{"request": at.url.Query()["request"], "answer": {"never"}}
		default:
			return at, nil
		}
	}
	return stop{}, errors.New("the journey does not end")
}

func (b *browser) step(ctx context.Context, method, address string, form url.Values) (stop, error) {
	r, err := http.NewRequestWithContext(ctx, method, address, strings.NewReader(form.Encode()))
	if err != nil {
		return stop{}, err
	}
	if method == http.MethodPost {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	answer, err := b.http.Do(r)
	if err != nil {
		return stop{}, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	at := stop{answer.Request.URL, answer.StatusCode, body}
	if err == nil && answer.StatusCode != http.StatusOK {
		where := url.URL{Scheme: at.url.Scheme, Host: at.url.Host, Path: at.url.Path}
		err = fmt.Errorf("%s at %s: %s", answer.Status, &where, firstLine(body))
	}
	return at, err
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(string(body), "\n")
	return strings.TrimSpace(line)
}

// nodes are the elements of the page.
func (s stop) nodes() iter.Seq[*html.Node] {
	return func(yield func(*html.Node) bool) {
		root, err := html.Parse(bytes.NewReader(s.body))
		if err != nil {
			return // the reader does not fail
		}
		for n := range root.Descendants() {
			if n.Type == html.ElementNode && !yield(n) {
				return
			}
		}
	}
}

// text is what the element of a class says.
func (s stop) text(class string) string {
	var text strings.Builder
	for n := range s.nodes() {
		if attribute(n, "class") != class {
			continue
		}
		for t := range n.Descendants() {
			if t.Type == html.TextNode {
				text.WriteString(t.Data)
			}
		}
	}
	return text.String()
}

// messageForm finds the form of a page that carries a SAML message, or an answer
// by response_mode=form_post: where it posts, and what. There is none where the
// address is "".
func messageForm(at stop) (address string, fields url.Values) {
	fields = url.Values{}
	for n := range at.nodes() {
		switch {
		case n.Data == "form":
			if to, err := at.url.Parse(attribute(n, "action")); err == nil {
				address = to.String()
			}
		case n.Data == "input" && attribute(n, "type") == "hidden":
			fields.Set(attribute(n, "name"), attribute(n, "value"))
		}
	}
	if slices.ContainsFunc([]string{"SAMLRequest", "SAMLResponse", "code", "error"}, fields.Has) {
		return address, fields
	}
	return "", nil
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
