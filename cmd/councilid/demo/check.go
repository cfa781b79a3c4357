package demo

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"time"
)

// Row is one sign-in of the check: one app through one connector.
type Row struct {
	App               string   `json:"app"`
	AppProtocol       string   `json:"app_protocol"`
	Connector         string   `json:"connector"`
	ConnectorProtocol string   `json:"connector_protocol"`
	Outcome           string   `json:"outcome"` // ok, or what went wrong
	MS                float64  `json:"ms"`
	Subject           string   `json:"sub,omitempty"`
	Claims            []string `json:"claims,omitempty"` // names only
}

// OK reports whether the sign-in succeeded.
func (r Row) OK() bool { return r.Outcome == "ok" }

// Check signs in through every app and connector with a browser of its own
// each time, as a resident with a full record.
func (s *Site) Check(ctx context.Context) []Row {
	var rows []Row
	for _, app := range s.Apps {
		for _, c := range s.Config.Connectors {
			row := Row{App: app.ID, AppProtocol: "oidc", Connector: c.ID, ConnectorProtocol: "oidc", Outcome: "ok"}
			if c.OAuth2 != nil {
				row.ConnectorProtocol = "oauth2"
			}
			started := time.Now()
			person, err := s.signIn(ctx, app, c.ID)
			row.MS = float64(time.Since(started).Microseconds()) / 1000
			if err != nil {
				row.Outcome = err.Error()
			} else {
				row.Subject, row.Claims = person.Subject, person.Names()
			}
			rows = append(rows, row)
		}
	}
	return rows
}

// signIn is one resident's whole journey: the app's button, the broker, the
// provider, and back.
func (s *Site) signIn(ctx context.Context, app *App, connector string) (*Person, error) {
	browser, err := s.newBrowser(connector)
	if err != nil {
		return nil, err
	}
	if _, err := get(ctx, browser, app.Base+"/sign-in?connector_hint="+connector); err != nil {
		return nil, err
	}
	answer, err := get(ctx, browser, app.Base+"/person.json")
	if err != nil {
		return nil, err
	}
	var person Person
	if err := json.Unmarshal(answer, &person); err != nil {
		return nil, fmt.Errorf("read who signed in: %w", err)
	}
	return &person, nil
}

// newBrowser has a cookie jar of its own and, at the simulated provider,
// picks the persona with a full record.
func (s *Site) newBrowser(connector string) (*http.Client, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	provider := s.Listeners[connector].Addr().String()
	return &http.Client{Jar: jar, Timeout: 30 * time.Second, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		if len(via) > 10 {
			return errors.New("more than ten redirects")
		}
		if r.URL.Host == provider {
			q := r.URL.Query()
			q.Set("persona", "full-record")
			r.URL.RawQuery = q.Encode()
		}
		return nil
	}}, nil
}

// get returns the body of the page that the redirects lead to.
func get(ctx context.Context, browser *http.Client, address string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	answer, err := browser.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		where := url.URL{Scheme: answer.Request.URL.Scheme, Host: answer.Request.URL.Host, Path: answer.Request.URL.Path}
		return nil, fmt.Errorf("%s at %s: %s", answer.Status, &where, strings.TrimSpace(firstLine(body)))
	}
	return body, nil
}

func firstLine(body []byte) string {
	line, _, _ := strings.Cut(string(body), "\n")
	return line
}
