package simulator_test

import (
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/connectors/simulator"
)

// national plays a preset, and signs somebody in by a step.
func national(t *testing.T, preset, persona, step string) (*stage, *connectors.Assertion) {
	t.Helper()
	s := playSAML(t, samlConnector(t, "preset: "+preset), simulator.Options{})
	said, err := s.signInByStep(t, s.connector(t), persona, step)
	if err != nil {
		t.Fatal(err)
	}
	return s, said
}

func TestSPID(t *testing.T) {
	s, first := national(t, "spid", "full-record", "level_2")
	if !regexp.MustCompile(`^[A-Z2-7]{6}X[0-9]{2}X[0-9]{2}X[0-9]{3}X$`).MatchString(first.Subject) {
		t.Errorf("subject is %s", first.Subject)
	}
	second, err := s.signInByStep(t, s.connector(t), "full-record", "level_2")
	if err != nil {
		t.Fatal(err)
	}
	if first.Claims.Text("sub") == second.Claims.Text("sub") || first.Subject != second.Subject {
		t.Error("the NameID has to be another at each sign-in, and the person the same")
	}
	if got := s.rules(t).Apply(first.Claims).Claims; got.Text("name") != "ALICE MORGAN" || got.Text("gender") != "female" {
		t.Errorf("claims are %v", got)
	}
}

// Only level 1 has a session at the provider.
func TestSPIDSessions(t *testing.T) {
	for step, keys := range map[string]int{"level_1": 2, "level_2": 1} {
		if _, said := national(t, "spid", "full-record", step); len(said.Session.Keys) != keys || said.SessionEnds.IsZero() != (keys == 1) {
			t.Errorf("%s: session %+v ends %v", step, said.Session, said.SessionEnds)
		}
	}
}

// A request that is right for any other provider is wrong for SPID.
func TestSPIDRequests(t *testing.T) {
	for name, test := range map[string]struct {
		bend func(*message.AuthnRequest)
		tear func(*etree.Element)
		want int
	}{
		"as it should be":         {nil, nil, http.StatusOK},
		"an issuer without more":  {func(m *message.AuthnRequest) { m.Qualified = false }, nil, http.StatusBadRequest},
		"level 2 without force":   {func(m *message.AuthnRequest) { m.ForceAuthn = false }, nil, http.StatusBadRequest},
		"IsPassive":               {func(m *message.AuthnRequest) { m.IsPassive = true }, nil, http.StatusBadRequest},
		"AllowCreate":             {func(m *message.AuthnRequest) { m.AllowCreate = true }, nil, http.StatusBadRequest},
		"a persistent NameID":     {func(m *message.AuthnRequest) { m.NameIDFormat = message.Persistent }, nil, http.StatusBadRequest},
		"attributes not numbered": {func(m *message.AuthnRequest) { m.AttributesIndex = nil }, nil, http.StatusBadRequest},
		"no level":                {func(m *message.AuthnRequest) { m.Contexts = nil }, nil, http.StatusBadRequest},
		"no comparison": {nil, func(e *etree.Element) {
			e.FindElement("./RequestedAuthnContext").RemoveAttr("Comparison")
		}, http.StatusOK}, // exact, by Core §3.3.2.2.1
	} {
		t.Run(name, func(t *testing.T) {
			s := playSAML(t, samlConnector(t, "preset: spid"), simulator.Options{})
			m := request(s)
			m.Qualified, m.ForceAuthn, m.AttributesIndex = true, true, new(0)
			m.NameIDFormat, m.Contexts, m.Comparison = message.Transient, []string{"https://www.spid.gov.it/SpidL2"}, "exact"
			if test.bend != nil {
				test.bend(&m)
			}
			e := m.Element()
			if test.tear != nil {
				test.tear(e)
			}
			signed, err := xmlsig.Sign(e, credential(), xmlsig.RSASHA256)
			if err != nil {
				t.Fatal(err)
			}
			resp, err := s.send(connectors.Redirect{URL: s.base + "/idp/sso", Form: binding.Form(binding.Request, signed, state)}, nil)
			if err != nil {
				t.Fatal(err)
			}
			resp.Body.Close()
			if resp.StatusCode != test.want {
				t.Errorf("answered %s, want %d", resp.Status, test.want)
			}
		})
	}
}

func TestDigiD(t *testing.T) {
	s, said := national(t, "digid", "full-record", "basis")
	if !regexp.MustCompile(`^[0-9]{9}$`).MatchString(said.Subject) {
		t.Errorf("subject is %s", said.Subject)
	}
	if got := said.Claims.Text("sub"); !strings.HasSuffix(got, "!s00000000:"+said.Subject) {
		t.Errorf("sub is %s", got)
	}
	if got := s.rules(t).Apply(said.Claims); len(got.Claims) > 0 || len(got.Verified) > 0 {
		t.Errorf("DigiD tells of %v", got)
	}
	if s.provider.Calls("artifact") != 1 {
		t.Error("no artifact was resolved")
	}
}

// A name in the script of its country comes with one in Latin letters, which is
// told; where it does not, no name is.
func TestEIDASScripts(t *testing.T) {
	for persona, want := range map[string]string{"local-script": "Eleni Papadopoulou", "non-latin-name": " ", "accented-name": "Zoë-Maria O’Connor-Núñez"} {
		s, said := national(t, "eidas", persona, "low")
		st := s.rules(t).Apply(said.Claims)
		if got := st.Claims.Text("given_name") + " " + st.Claims.Text("family_name"); got != want {
			t.Errorf("%s is called %q, want %q", persona, got, want)
		}
		if got := st.Claims.Text("name"); got != strings.TrimSpace(want) {
			t.Errorf("%s is called %q in one, want %q", persona, got, want)
		}
	}
}

// myaccount's sessions end on a page, which leads back to the broker and to
// nobody else.
func TestMyaccountPage(t *testing.T) {
	s := playSAML(t, func(base string) config.Connector {
		return samlConnector(t, "  logout: {page: "+base+"/myaccount/logout}", "preset: myaccount")(base)
	}, simulator.Options{})
	c := s.connector(t)
	said, err := s.signIn(t, c, "full-record")
	if err != nil {
		t.Fatal(err)
	}
	l := c.(connectors.Logouter)
	to, err := l.Logout(t.Context(), *said.Session, "farewell-1")
	if err != nil {
		t.Fatal(err)
	}
	answer, err := l.ReadLogout(t.Context(), s.travel(t, to, nil))
	if err != nil || answer.Answers != "farewell-1" || !answer.OK {
		t.Errorf("answer is %+v, %v", answer, err)
	}
	page := s.open(t, s.base+"/idp/sign-out", http.StatusOK)
	if got := text(all(page, "h1")[0]); got != "Nobody is signed in" {
		t.Errorf("after that the provider says %q", got)
	}
	s.open(t, s.base+"/myaccount/logout?SPRedirectUrl="+url.QueryEscape("https://evil.example/"), http.StatusBadRequest)
}

// Once a year myaccount changes its certificate and its metadata, without the old
// one beside it.
func TestMyaccountYearlyChange(t *testing.T) {
	now := time.Now()
	clock := func() time.Time { return now }
	s := playSAML(t, samlConnector(t, "preset: myaccount"), simulator.Options{Now: clock})
	c := s.connectorAt(t, clock)
	for range 3 {
		if _, err := s.signIn(t, c, "full-record"); err != nil {
			t.Fatal(err)
		}
		if err := s.provider.RotateKeys(); err != nil {
			t.Fatal(err)
		}
		s.provider.RetireKeys()
		now = now.Add(61 * time.Second) // a year, for all that the connector knows
	}
}
