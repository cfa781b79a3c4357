package login

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

var now = time.Date(2026, 11, 2, 9, 0, 0, 0, time.UTC)

func TestNext(t *testing.T) {
	google := &Way{Config: config.Connector{ID: "google"}}
	facebook := &Way{Config: config.Connector{ID: "facebook"}}
	works := &Way{Config: config.Connector{ID: "works", Domains: []string{"example.gov.uk"}}}
	all := []*Way{google, facebook, works}
	session := &Session{SID: "s", Connector: "google", AuthTime: now.Add(-time.Hour)}
	age := func(d time.Duration) *time.Duration { return &d }

	tests := []struct {
		name string
		req  Request
		s    *Session
		ways []*Way
		want string // the step, and what it is about
	}{
		{"a new browser chooses", Request{}, nil, all, "choose"},
		{"a session is enough", Request{}, session, all, "issue"},
		{"one way needs no choice", Request{}, nil, []*Way{facebook}, "start facebook"},
		{"no way at all", Request{}, nil, nil, "refuse no_way"},

		{"a hint skips the choice", Request{Connector: "facebook"}, nil, all, "start facebook"},
		{"an unknown hint is no hint", Request{Connector: "myspace"}, nil, all, "choose"},
		{"a hint of a forbidden way is no hint", Request{Connector: "works"}, nil, []*Way{google, facebook}, "choose"},
		{"a hint at the session's own way", Request{Connector: "google"}, session, all, "issue"},
		{"a hint at another way asks there", Request{Connector: "facebook"}, session, all, "start facebook"},
		{"an unknown hint leaves the session", Request{Connector: "myspace"}, session, all, "issue"},

		{"an e-mail domain leads home", Request{LoginHint: "officer@Example.gov.uk"}, nil, all, "start works"},
		{"another domain chooses", Request{LoginHint: "ann@example.org"}, nil, all, "choose"},
		{"no domain at all", Request{LoginHint: "ann"}, nil, all, "choose"},
		{"connector_hint before login_hint", Request{Connector: "google", LoginHint: "officer@example.gov.uk"}, nil, all, "start google"},

		{"prompt=login asks again", Request{Force: true}, session, all, "choose"},
		{"prompt=select_account asks again", Request{Choose: true}, session, all, "choose"},
		{"young enough", Request{MaxAge: age(2 * time.Hour)}, session, all, "issue"},
		{"just young enough", Request{MaxAge: age(time.Hour)}, session, all, "issue"},
		{"too old", Request{MaxAge: age(time.Hour - time.Second)}, session, all, "choose"},
		{"a session of a way that the app forbids", Request{}, session, []*Way{facebook, works}, "choose"},

		{"passive without a session", Request{Passive: true}, nil, all, "refuse login_required"},
		{"passive with one", Request{Passive: true}, session, all, "issue"},
		{"passive but too old", Request{Passive: true, MaxAge: age(0)}, session, all, "refuse login_required"},
		{"passive never starts", Request{Passive: true, Connector: "google"}, nil, all, "refuse login_required"},
		{"passive never starts the only way", Request{Passive: true}, nil, []*Way{google}, "refuse login_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			q := situation{pending: pending{Request: tt.req}, session: tt.s, ways: tt.ways, now: now}
			if got := describe(next(q)); got != tt.want {
				t.Errorf("next = %s, want %s", got, tt.want)
			}
		})
	}
}

// oneLogin proves identity in a second step, google nothing but that somebody is
// there, and entra a second factor where it was asked for.
func levelledWays() (oneLogin, google, entra, passkeys *Way) {
	oneLogin = &Way{Config: config.Connector{
		ID: "one-login", OIDC: &config.OIDC{}, Cap: config.Assurance{Identity: "P2", Authenticator: "Cm", Residency: "R1"},
		Ask: []config.Ask{
			{Step: "sign_in", Reaches: config.Assurance{Authenticator: "Cl"}},
			{Step: "two_factors", Reaches: config.Assurance{Authenticator: "Cm"}},
			{Step: "prove", After: "two_factors", Reaches: config.Assurance{Identity: "P3", Authenticator: "Cm", Residency: "R1"}},
		},
	}}
	google = &Way{Config: config.Connector{ID: "google", OIDC: &config.OIDC{Force: "never"}, Cap: config.Assurance{Authenticator: "Cl"}}}
	entra = &Way{Config: config.Connector{ID: "entra", OIDC: &config.OIDC{}, Cap: config.Assurance{Authenticator: "Cm"}, Domains: []string{"example.gov.uk"}}}
	passkeys = &Way{Config: config.Connector{ID: "council", Council: &config.Council{}, Cap: config.Assurance{Authenticator: "Ch", Phishing: "F1"}}}
	return oneLogin, google, entra, passkeys
}

func level(vector string) mapping.Assurance {
	a, err := mapping.ParseAssurance(vector)
	if err != nil {
		panic(err)
	}
	return a
}

// written is a vector as operators write it.
func written(vector string) config.Assurance {
	var a config.Assurance
	for component := range strings.SplitSeq(vector, ".") {
		at := map[byte]*string{'P': &a.Identity, 'C': &a.Authenticator, 'F': &a.Phishing, 'R': &a.Residency}
		*at[component[0]] = component
	}
	return a
}

func levels(vectors ...string) []mapping.Assurance {
	var all []mapping.Assurance
	for _, vector := range vectors {
		all = append(all, level(vector))
	}
	return all
}

func TestNextByLevels(t *testing.T) {
	oneLogin, google, entra, passkeys := levelledWays()
	all := []*Way{google, oneLogin, entra, passkeys}
	at := func(connector, step, worth string) *Session {
		return &Session{SID: "s", Connector: connector, Step: step, Proved: level(worth), Level: level(worth), AuthTime: now.Add(-time.Hour)}
	}
	franceConnect := &Way{Config: config.Connector{
		ID: "franceconnect", OIDC: &config.OIDC{}, Cap: config.Assurance{Identity: "P1", Authenticator: "Cm"},
		Ask: []config.Ask{{Step: "identity", Reaches: config.Assurance{Identity: "P1", Authenticator: "Cl"}}},
	}}
	passwords := &Way{Config: config.Connector{ID: "council", Council: &config.Council{}, Cap: config.Assurance{Authenticator: "Cl"}}}
	never := time.Duration(0)
	tests := []struct {
		name  string
		least string // the app's minimum
		pending
		s    *Session
		ways []*Way
		want string
	}{
		{"the minimum alone", "Cl", pending{}, nil, all, "choose google one-login/sign_in entra council"},
		{"the minimum leaves out who cannot reach it", "Cm", pending{}, nil, all, "choose one-login/two_factors entra council"},
		{"the only way that reaches it", "R1", pending{}, nil, []*Way{google, oneLogin}, "start one-login/two_factors"},
		{"the council's accounts bring their own evidence", "P2.Cm", pending{}, nil, all, "choose one-login/two_factors council"},
		{"nobody reaches the minimum", "P3.Cm", pending{}, nil, []*Way{google, oneLogin}, "refuse unmet"},
		{"the cap counts, not the step", "P3", pending{}, nil, []*Way{oneLogin}, "refuse unmet"},
		{"a hint of a way that is too weak is no hint", "Cm", pending{Request: Request{Connector: "google"}}, nil, all, "choose one-login/two_factors entra council"},
		{"a domain of a way that is too weak is no hint", "P2", pending{Request: Request{LoginHint: "a@example.gov.uk"}}, nil, []*Way{entra, oneLogin}, "start one-login/two_factors"},

		{"a request raises the level", "Cl", pending{Request: Request{Levels: levels("Cm")}}, nil, all, "choose one-login/two_factors entra council"},
		{"a request never lowers it", "Cm", pending{Request: Request{Levels: levels("C0"), Essential: true}}, nil, []*Way{google, entra}, "start entra"},
		{"identity that comes without a strong sign-in", "P1.Cl", pending{}, nil, []*Way{franceConnect}, "refuse unmet"},
		{"and one that comes with it", "P1.Cl", pending{}, nil, []*Way{franceConnect, oneLogin}, "start one-login/two_factors"},
		{"and in a strong session", "P1.Cl", pending{}, at("entra", "", "Cm"), []*Way{franceConnect, entra, oneLogin}, "choose one-login/two_factors"},
		{"and after a strong sign-in there", "P1.Cm", pending{}, at("franceconnect", "code", "Cm"), []*Way{franceConnect}, "start franceconnect/identity"},
		{"nor does the council's account lend it to a password", "P2.Cl", pending{}, nil, []*Way{passwords, oneLogin}, "start one-login/two_factors"},
		{"nor in a session", "P2.Cl", pending{}, at("council", "", "Cl"), []*Way{passwords, oneLogin}, "choose one-login/two_factors"},
		{"or in a session", "Cm", pending{Request: Request{Levels: levels("Cl")}}, at("google", "", "Cl"), []*Way{google}, "refuse unmet"},
		{"alternatives in order of preference", "Cl", pending{Request: Request{Levels: levels("P2.Cm", "Cl")}}, nil, []*Way{oneLogin}, "start one-login/two_factors"},
		{"each way by what it can", "Cl", pending{Request: Request{Levels: levels("P2.Cm", "Cl")}}, nil, []*Way{oneLogin, google}, "choose one-login/two_factors google"},
		{"voluntary and out of reach", "Cl", pending{Request: Request{Levels: levels("P4.Ch")}}, nil, []*Way{oneLogin, google}, "choose one-login/sign_in google"},
		{"essential and out of reach", "Cl", pending{Request: Request{Levels: levels("P4.Ch"), Essential: true}}, nil, []*Way{oneLogin, google}, "refuse unmet"},

		{"a session that is enough", "Cl", pending{Request: Request{Levels: levels("Cm")}}, at("entra", "", "Cm"), all, "issue"},
		{"more at the same provider, without a page", "P2.Cm", pending{}, at("one-login", "two_factors", "Cm"), all, "start one-login/prove"},
		{"the step that comes before", "P2.Cm", pending{}, at("one-login", "sign_in", "Cl"), all, "start one-login/two_factors"},
		{"more elsewhere, by a page", "P2.Cm", pending{}, at("google", "", "Cl"), []*Way{google, oneLogin}, "choose one-login/two_factors"},
		{"a session lends what it has", "P2.Ch.F1", pending{}, at("one-login", "prove", "P2.Cm"), []*Way{oneLogin, passkeys}, "choose council"},
		{"the same question, insisting", "Cm", pending{}, at("entra", "", "Cl"), []*Way{entra, oneLogin}, "start entra anew"},
		{"the same question is no use where nobody can insist", "Cm", pending{}, at("google", "", "C0"), []*Way{{Config: config.Connector{
			ID: "google", OIDC: &config.OIDC{Force: "never"}, Cap: config.Assurance{Authenticator: "Cm"},
		}}}, "refuse unmet"},
		{"voluntary, and the session is all there is", "Cl", pending{Request: Request{Levels: levels("P2")}}, at("google", "", "Cl"), []*Way{google, entra}, "issue"},
		{"voluntary, and more can be had", "Cl", pending{Request: Request{Levels: levels("P2")}}, at("google", "", "Cl"), []*Way{google, oneLogin}, "choose one-login/two_factors"},
		{"essential, and the session is all there is", "Cl", pending{Request: Request{Levels: levels("P2"), Essential: true}}, at("google", "", "Cl"), []*Way{google, entra}, "refuse unmet"},

		{"each step once", "P2.Cm", pending{SID: "s", Done: []stop{{"one-login", "two_factors"}, {"one-login", "prove"}}}, at("one-login", "prove", "P1.Cm"), []*Way{oneLogin, google}, "refuse unmet"},
		{"voluntary, and tried", "Cl", pending{Request: Request{Levels: levels("P2.Cm")}, SID: "s", Done: []stop{{"one-login", "two_factors"}, {"one-login", "prove"}}}, at("one-login", "prove", "P1.Cm"), []*Way{oneLogin, google}, "issue"},
		{"tried, and other ways are left", "Cm", pending{SID: "s", Done: []stop{{"entra", ""}}}, at("entra", "", "Cl"), []*Way{entra, oneLogin}, "choose one-login/two_factors"},
		{"a sign-in that this login forced", "P2.Cm", pending{Request: Request{Force: true, MaxAge: &never}, SID: "s", Done: []stop{{"one-login", "two_factors"}}}, at("one-login", "two_factors", "Cm"), all, "start one-login/prove"},
		{"and is enough", "Cl", pending{Request: Request{Force: true, Choose: true, Connector: "entra"}, SID: "s", Done: []stop{{"google", ""}}}, at("google", "", "Cl"), all, "issue"},
		{"another login's sign-in is not forced by this one", "Cl", pending{Request: Request{Force: true}, SID: "other"}, at("google", "", "Cl"), []*Way{google}, "start google"},

		{"passive and enough", "Cl", pending{Request: Request{Passive: true}}, at("google", "", "Cl"), all, "issue"},
		{"passive below the minimum", "Cm", pending{Request: Request{Passive: true}}, at("google", "", "Cl"), all, "refuse interaction"},
		{"passive and essential", "Cl", pending{Request: Request{Passive: true, Levels: levels("P2"), Essential: true}}, at("google", "", "Cl"), all, "refuse interaction"},
		{"passive and voluntary", "Cl", pending{Request: Request{Passive: true, Levels: levels("P2")}}, at("google", "", "Cl"), all, "issue"},
		{"passive and nobody there", "Cm", pending{Request: Request{Passive: true}}, nil, all, "refuse login_required"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			needs := requires(tt.Request, config.App{Assurance: written(tt.least)})
			q := situation{pending: tt.pending, needs: needs, session: tt.s, ways: tt.ways, now: now}
			st := next(q)
			words := []string{describe(st)}
			if st.kind == choose {
				for _, trip := range q.trips(q.standing()) {
					words = append(words, trip.String())
				}
			}
			if got := strings.Join(words, " "); got != tt.want {
				t.Errorf("next = %s, want %s", got, tt.want)
			}
		})
	}
}

func (t trip) String() string {
	text := strings.TrimSuffix(t.way.Config.ID+"/"+t.ask.Step, "/")
	if t.anew {
		text += " anew"
	}
	return text
}

func describe(st step) string {
	switch st.kind {
	case issue:
		return "issue"
	case start:
		return "start " + st.trip.String()
	case choose:
		return "choose"
	default:
		return "refuse " + string(st.refusal)
	}
}

func TestParseBrowser(t *testing.T) {
	b := browser{ID: "ABCDEFGHIJKLMNOPQRSTUVWXYZ", Last: "google", App: "council-tax"}
	if got, ok := parseBrowser(b.String()); !ok || got != b {
		t.Errorf("parseBrowser(%q) = %v, %v", b.String(), got, ok)
	}
	for _, foreign := range []string{"", "x", "..", "short.google.app", b.String() + ".more"} {
		if got, ok := parseBrowser(foreign); ok || got != (browser{}) {
			t.Errorf("parseBrowser(%q) = %v, %v, want nothing", foreign, got, ok)
		}
	}
}

// Where an app limits the age of a sign-in, only providers that prove it will
// do, though that leave none.
func TestMaxAgeNeedsProof(t *testing.T) {
	flow := &Flow{Ways: []Way{
		{Config: config.Connector{ID: "oidc", OIDC: &config.OIDC{}}},
		{Config: config.Connector{ID: "never", OIDC: &config.OIDC{Force: "never"}}},
		{Config: config.Connector{ID: "oauth2", OAuth2: &config.OAuth2{}}},
		{Config: config.Connector{ID: "saml", SAML: &config.SAML{}}},
	}, Apps: map[string]config.App{"github": {ID: "github", Connectors: []string{"oauth2"}}}}
	hours := 8 * time.Hour
	for _, tt := range []struct {
		req  Request
		want []string
	}{
		{Request{}, []string{"oidc", "never", "oauth2", "saml"}},
		{Request{Force: true}, []string{"oidc", "saml"}},
		{Request{MaxAge: &hours}, []string{"oidc", "saml"}},
		{Request{App: "github"}, []string{"oauth2"}},
		{Request{App: "github", MaxAge: &hours}, nil},
	} {
		var got []string
		for _, way := range flow.ways(tt.req) {
			got = append(got, way.Config.ID)
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%+v: %v, want %v", tt.req, got, tt.want)
		}
	}
}
