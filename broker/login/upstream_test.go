package login_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/mapping"
)

// provider is an identity provider whose protocol is plain parameters: person
// says who signs in, nonce that the answer is to the attempt.
type provider struct {
	id string

	mu    sync.Mutex
	last  connectors.Attempt
	looks int                 // at answers
	ends  time.Time           // Assertion.SessionEnds
	out   connectors.Redirect // where Logout leads; the zero one for no such way
	fail  error               // of Logout
	id_   string              // of the last question
	said  connectors.ProviderSession
}

func (p *provider) Start(_ context.Context, a connectors.Attempt) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = a
	return connectors.Redirect{URL: "https://" + p.id + ".example/sso", Form: map[string]string{"RelayState": a.State}}, nil
}

func (p *provider) Finish(_ context.Context, a connectors.Attempt, r *http.Request) (*connectors.Assertion, error) {
	p.mu.Lock()
	p.looks++
	p.mu.Unlock()
	if r.FormValue("nonce") != a.Nonce {
		return nil, &connectors.Failure{Outcome: connectors.Refused, Err: errors.New("the answer is to another question")}
	}
	if outcome := r.FormValue("outcome"); outcome != "" {
		return nil, &connectors.Failure{Outcome: connectors.Outcome(outcome), Err: errors.New("nobody")}
	}
	person := r.FormValue("person")
	if person == "" {
		return nil, &connectors.Failure{Outcome: connectors.Cancelled, Err: errors.New("nobody")}
	}
	claims := mapping.Claims{"name": person}
	if email := r.FormValue("email"); email != "" {
		claims["email"], claims["email_verified"] = email, !r.Form.Has("unverified")
	}
	said := &connectors.Assertion{
		Issuer: "https://" + p.id + ".example", Subject: person, Claims: claims, SessionEnds: p.ends,
		Signed:  mapping.Signed{"id_token": {"level": strings.Split(r.FormValue("level"), ".")}},
		Session: &connectors.ProviderSession{Keys: []string{person, person + "/" + r.FormValue("index")}, Detail: json.RawMessage(`"` + person + `"`)},
	}
	if at, err := time.Parse(time.RFC3339, r.FormValue("since")); err == nil {
		said.AuthTime = at
	}
	if born := r.FormValue("born"); born != "" {
		said.Claims["birthdate"] = born
	}
	if once := r.FormValue("once"); once != "" {
		said.Once = connectors.Once{ID: once, Until: time.Now().Add(time.Hour)}
	}
	return said, nil
}

// examined is how many answers the provider has looked at.
func (p *provider) examined() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.looks
}

func (p *provider) attempt() connectors.Attempt {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.last
}

// logouter is a provider that takes part in sign-outs. Its messages are plain
// parameters, too.
type logouter struct{ *provider }

func (p logouter) Metadata(context.Context) ([]byte, string, error) {
	return []byte("<" + p.id + "/>"), "application/samlmetadata+xml", nil
}

func (p logouter) Logout(_ context.Context, s connectors.ProviderSession, id string) (connectors.Redirect, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said, p.id_ = s, id
	return p.out, p.fail
}

func (p logouter) ReadLogout(_ context.Context, r *http.Request) (connectors.LogoutMessage, error) {
	if strings.HasSuffix(r.URL.Path, "/soap") {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return connectors.LogoutMessage{}, err
		}
		r.Form, err = url.ParseQuery(string(body))
		if err != nil {
			return connectors.LogoutMessage{}, err
		}
	}
	if r.FormValue("signed") == "" {
		return connectors.LogoutMessage{}, &connectors.Failure{Outcome: connectors.Refused, Err: errors.New("not signed")}
	}
	var once connectors.Once
	if id := r.FormValue("once"); id != "" {
		once = connectors.Once{ID: id, Until: time.Now().Add(time.Hour)}
	}
	return connectors.LogoutMessage{
		Silent: r.Form.Has("silent"), Once: once,
		Answers: r.FormValue("answers"), OK: r.Form.Has("ok"), ID: r.FormValue("question"), Keys: r.Form["key"], RelayState: r.FormValue("RelayState"),
	}, nil
}

func (p logouter) AnswerLogout(_ context.Context, m connectors.LogoutMessage, whole bool) (connectors.Redirect, error) {
	if m.ID == "mute" {
		return connectors.Redirect{}, nil
	}
	return connectors.Redirect{URL: "https://" + p.id + ".example/answered?to=" + m.ID + "&whole=" + word(whole) + "&RelayState=" + m.RelayState}, nil
}

func (p logouter) AnswerSOAP(_ context.Context, m connectors.LogoutMessage, whole bool) ([]byte, error) {
	return []byte(m.ID + " whole=" + word(whole)), nil
}

func word(yes bool) string {
	if yes {
		return "yes"
	}
	return "no"
}

// question is the id of the question that the provider was asked last.
func (p *provider) question() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.id_
}
