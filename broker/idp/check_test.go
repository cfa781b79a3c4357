package idp

import (
	"testing"
	"time"

	"github.com/councilid/councilid/connectors/saml2/message"
)

// The app is looked up before the signature is checked. What was signed may not
// be another's, however the two readings came to differ.
func TestCheckIssuer(t *testing.T) {
	now := time.Now()
	s := &Server{Options: Options{Issuer: "https://login.example", Now: func() time.Time { return now }}}
	in := received{party: party{app: &app{entityID: "https://app.example"}}}
	for issuer, want := range map[string]bool{"https://app.example": true, "https://other.example": false, "": false} {
		err := s.check(in, message.Header{Issuer: issuer, IssueInstant: now, Destination: "https://login.example/saml/sso"}, ssoPath, time.Time{})
		if got := err == nil; got != want {
			t.Errorf("%q: %v", issuer, err)
		}
	}
}
