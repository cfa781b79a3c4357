package main

import (
	"context"
	"crypto/rand"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/oauth2"
)

// stepNames are the requests of a login in their order.
var stepNames = [...]string{"authorize", "provider", "callback", "token", "userinfo"}

// driver logs residents in.
type driver struct {
	target
	residents, workers int
	client             *http.Client
	subjects           sync.Map // resident to subject: it must never change
}

func newDriver(o options) *driver {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.Workers
	return &driver{
		target: o.Target, residents: o.Residents, workers: o.Workers,
		client: &http.Client{
			Transport: transport, Timeout: 30 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// login is one resident's whole login in a new browser.
func (d *driver) login(ctx context.Context, resident int) (times [len(stepNames)]time.Duration, err error) {
	verifier, state := oauth2.GenerateVerifier(), rand.Text()
	started := time.Now()
	lap := func(i int) {
		times[i] = time.Since(started)
		started = time.Now()
	}

	answer, err := d.get(ctx, d.authorizeURL(state, verifier), nil)
	if err != nil {
		return times, err
	}
	lap(0)
	cookies := answer.Cookies()
	atProvider, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || atProvider.Host == "" {
		return times, fmt.Errorf("authorize led to %q", answer.Header.Get("Location"))
	}
	q := atProvider.Query()
	q.Set("persona", "load-"+strconv.Itoa(resident))
	atProvider.RawQuery = q.Encode()
	if answer, err = d.get(ctx, atProvider.String(), nil); err != nil {
		return times, err
	}
	lap(1)
	if answer, err = d.get(ctx, answer.Header.Get("Location"), cookies); err != nil {
		return times, err
	}
	lap(2)
	back, err := url.Parse(answer.Header.Get("Location"))
	if err != nil || back.Query().Get("code") == "" || back.Query().Get("state") != state {
		return times, fmt.Errorf("callback: %s leading to %q", answer.Status, answer.Header.Get("Location"))
	}
	access, subject, err := d.redeem(ctx, back.Query().Get("code"), verifier)
	if err != nil {
		return times, err
	}
	lap(3)
	if err := d.userinfo(ctx, access, subject); err != nil {
		return times, err
	}
	lap(4)
	if known, returning := d.subjects.LoadOrStore(resident, subject); returning && known != subject {
		return times, fmt.Errorf("resident %d came back with another subject", resident)
	}
	return times, nil
}

func (d *driver) authorizeURL(state, verifier string) string {
	return d.Issuer + "/authorize?" + url.Values{
		"client_id": {d.ClientID}, "redirect_uri": {d.RedirectURI}, "response_type": {"code"},
		"scope": {"openid profile email"}, "state": {state}, "nonce": {state}, "connector_hint": {d.Connector},
		"code_challenge": {oauth2.S256ChallengeFromVerifier(verifier)}, "code_challenge_method": {"S256"},
	}.Encode()
}

// get returns an answer whose body has been read.
func (d *driver) get(ctx context.Context, address string, cookies []*http.Cookie) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, err
	}
	for _, c := range cookies {
		r.AddCookie(c)
	}
	answer, err := d.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusSeeOther && answer.StatusCode != http.StatusFound {
		return nil, fmt.Errorf("%s at %s", answer.Status, r.URL.Path)
	}
	return answer, nil
}

// redeem exchanges the code and returns the access token and the subject.
func (d *driver) redeem(ctx context.Context, code, verifier string) (access, subject string, err error) {
	form := url.Values{
		"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {d.RedirectURI}, "code_verifier": {verifier},
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, d.Issuer+"/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.SetBasicAuth(url.QueryEscape(d.ClientID), url.QueryEscape(d.Secret))
	var tokens struct {
		Access string `json:"access_token"`
		ID     string `json:"id_token"`
	}
	if err := d.fetch(r, &tokens); err != nil {
		return "", "", err
	}
	parts := strings.Split(tokens.ID, ".")
	if len(parts) != 3 {
		return "", "", fmt.Errorf("the token endpoint gave no ID token")
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", "", err
	}
	var claims struct{ Sub string }
	err = json.Unmarshal(payload, &claims)
	return tokens.Access, claims.Sub, err
}

func (d *driver) userinfo(ctx context.Context, access, subject string) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, d.Issuer+"/userinfo", nil)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+access)
	var claims struct{ Sub, Name string }
	if err := d.fetch(r, &claims); err != nil {
		return err
	}
	if claims.Sub != subject || claims.Name == "" {
		return fmt.Errorf("userinfo is about somebody else, or nobody")
	}
	return nil
}

func (d *driver) fetch(r *http.Request, into any) error {
	answer, err := d.client.Do(r)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("%s at %s", answer.Status, r.URL.Path)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
