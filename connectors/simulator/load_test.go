package simulator_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/oauth2"

	"github.com/councilid/councilid/connectors/simulator"
)

// BenchmarkSignIn is what one sign-in costs the provider's side of a load
// test: authorization, token and userinfo.
func BenchmarkSignIn(b *testing.B) {
	const base = "http://127.0.0.1:1"
	p, err := simulator.New(plain(base), simulator.Options{Redirect: []string{callback}, Secret: secret})
	if err != nil {
		b.Fatal(err)
	}
	conf := oauth2.Config{
		ClientID: clientID, RedirectURL: callback, Scopes: []string{"openid", "profile", "email"},
		Endpoint: oauth2.Endpoint{AuthURL: base + "/op/authorize"},
	}
	ask := conf.AuthCodeURL(state, oauth2.SetAuthURLParam("nonce", nonce), oauth2.S256ChallengeOption(verifier)) + "&persona=load-"
	b.ReportAllocs()
	for n := 0; b.Loop(); n++ {
		authorized := serve(p, httptest.NewRequest(http.MethodGet, ask+strconv.Itoa(n), nil))
		to, err := authorized.Result().Location()
		if err != nil {
			b.Fatal(err)
		}
		redeem := httptest.NewRequest(http.MethodPost, base+"/op/token", strings.NewReader(redemption(to.Query().Get("code")).Encode()))
		redeem.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		redeem.SetBasicAuth(clientID, url.QueryEscape(secret))
		var token struct {
			AccessToken string `json:"access_token"`
		}
		if err := json.NewDecoder(serve(p, redeem).Body).Decode(&token); err != nil {
			b.Fatal(err)
		}
		info := httptest.NewRequest(http.MethodGet, base+"/op/userinfo", nil)
		info.Header.Set("Authorization", "Bearer "+token.AccessToken)
		if answer := serve(p, info); answer.Code != http.StatusOK {
			b.Fatalf("userinfo answers %d", answer.Code)
		}
	}
}

func serve(h http.Handler, r *http.Request) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}
