package connectors_test

import (
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/beevik/etree"
	"github.com/google/go-cmp/cmp"

	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/mapping"
)

func TestSAMLSignIn(t *testing.T) {
	for name, lines := range map[string][]string{
		"redirect and POST": nil,
		"POST and POST":     {"  request: {binding: post}"},
		"artifact":          {"  response: {binding: artifact}"},
		"unsigned request":  {"  request: {sign: false}"},
		"encrypted":         {"  response: {encrypted: required}"},
		"both signed":       {"  response: {signed: both}"},
	} {
		t.Run(name, func(t *testing.T) {
			p := newSAMLProvider(t, lines...)
			got, err := p.signIn(p.open(), p.attempt(), "full-record")
			if err != nil {
				t.Fatal(err)
			}
			if got.Issuer != p.cfg.SAML.Metadata.EntityID || got.Subject != got.Claims.Text("sub") || !got.AuthTime.Equal(p.clock.Now()) {
				t.Errorf("got %+v", got)
			}
			if got.Claims.Text("email") != "alice.morgan@example.org" || got.Claims.Text("nameid_format") != message.Persistent {
				t.Errorf("claims are %v", got.Claims)
			}
			// Its age, the provider's clock, and that of another node.
			if until := p.clock.Now().Add(7 * time.Minute); got.Once.ID == "" || !got.Once.Until.Equal(until) {
				t.Errorf("once is %v, want until %v", got.Once, until)
			}
			if ends := p.clock.Now().Add(8 * time.Hour); !got.SessionEnds.Equal(ends) {
				t.Errorf("session ends %v, want %v", got.SessionEnds, ends)
			}
			if got.Session == nil || len(got.Session.Keys) != 2 {
				t.Errorf("session is %+v", got.Session)
			}
		})
	}
}

func TestSAMLClaims(t *testing.T) {
	h := newHandmade(t)
	h.cfg.SAML.Lists = []string{"one in a list", "none in a list"}
	a := h.attempt()
	s := h.statement(a)
	s.Attributes = []message.Attribute{
		{Name: "one", Values: []string{"1"}},
		{Name: "two", Values: []string{"1", "2"}},
		{Name: "none"},
		{Name: "one in a list", Values: []string{"1"}},
		{Name: "none in a list"},
		{Name: "sub", Values: []string{"somebody else"}},
		{Name: "nameid_qualifier", Values: []string{"somewhere else"}},
	}
	got, err := h.finish(a, s)
	if err != nil {
		t.Fatal(err)
	}
	want := mapping.Claims{
		"one": "1", "two": []any{"1", "2"}, "one in a list": []any{"1"}, "none in a list": []any{},
		"sub": "24400320", "nameid_format": message.Persistent, "nameid_qualifier": idp, "nameid_sp_qualifier": spEntityID,
	}
	if diff := cmp.Diff(want, got.Claims); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
}

// The groups of somebody in a large organisation, which are encrypted as well:
// as many as config lets be, in a form that the callback address takes.
func TestSAMLManyValues(t *testing.T) {
	const most, longest = 8000, 4 << 20
	p := newSAMLProvider(t, "  response: {max_values: "+strconv.Itoa(most)+", encrypted: required}")
	c, a := p.open(), p.attempt()
	start, err := c.Start(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "many-values")
	if answer.ContentLength > longest {
		t.Errorf("the form has %d bytes", answer.ContentLength)
	}
	got, err := c.Finish(t.Context(), a, answer)
	if err != nil {
		t.Fatal(err)
	}
	if groups, _ := got.Claims["https://council.example/groups"].([]any); len(groups) != most {
		t.Errorf("%d groups", len(groups))
	}
}

func TestSAMLSubject(t *testing.T) {
	attribute := message.Attribute{Name: "uid", Values: []string{"4711"}}
	for name, test := range map[string]struct {
		id      message.NameID
		subject string // of the configuration
		want    string
		fails   connectors.Outcome
	}{
		"persistent":                      {somebody(), "claims.sub", "24400320", ""},
		"transient":                       {message.NameID{Value: "_1", Format: message.Transient}, "claims.sub", "", connectors.Misconfigured},
		"transient, hidden in an or":      {message.NameID{Value: "_1", Format: message.Transient}, "claims.?ppid.orValue(claims.sub)", "", connectors.Misconfigured},
		"transient, and an attribute":     {message.NameID{Value: "_1", Format: message.Transient}, "claims.uid", "4711", ""},
		"transient of old":                {message.NameID{Value: "_1", Format: "urn:mace:shibboleth:1.0:nameIdentifier"}, "claims.sub", "", connectors.Misconfigured},
		"transient, oddly spelled":        {message.NameID{Value: "_1", Format: " urn:oasis:names:tc:SAML:1.1:nameid-format:Transient"}, "claims.sub", "", connectors.Misconfigured},
		"none":                            {message.NameID{}, "claims.sub", "", connectors.Misconfigured},
		"none, and an attribute":          {message.NameID{}, "claims.uid", "4711", ""},
		"persistent, attribute missing":   {somebody(), "claims.ppid", "", connectors.Refused},
		"persistent with a control sign":  {message.NameID{Value: "a\tb", Format: message.Persistent}, "claims.sub", "", connectors.Refused},
		"persistent, longer than allowed": {message.NameID{Value: strings.Repeat("a", 256), Format: message.Persistent}, "claims.sub", "", connectors.Refused},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			h.cfg.Subject = test.subject
			a := h.attempt()
			s := h.statement(a)
			s.NameID, s.Attributes = test.id, []message.Attribute{attribute}
			got, err := h.finish(a, s)
			if test.fails != "" {
				wantOutcome(t, got, err, test.fails)
				return
			}
			if err != nil || got.Subject != test.want {
				t.Errorf("got %+v, %v; want %s", got, err, test.want)
			}
		})
	}
}

// A provider that says when its session ends, and one that does not.
func TestSAMLSessionEnds(t *testing.T) {
	h := newHandmade(t)
	a := h.attempt()
	for _, ends := range []time.Time{{}, h.clock.Now().Add(time.Hour)} {
		s := h.statement(a)
		s.SessionNotOnOrAfter = ends
		got, err := h.finish(a, s)
		if err != nil || !got.SessionEnds.Equal(ends) {
			t.Errorf("got %+v, %v; want the end of the session at %v", got, err, ends)
		}
	}
}

// Core §2.5.1.6: the broker is a proxy.
func TestProxyRestriction(t *testing.T) {
	restriction := func(count string, audiences ...string) func(*etree.Element) {
		return func(assertion *etree.Element) {
			e := assertion.FindElement("./Conditions").CreateElement("saml:ProxyRestriction")
			if count != "" {
				e.CreateAttr("Count", count)
			}
			for _, audience := range audiences {
				e.CreateElement("saml:Audience").SetText(audience)
			}
		}
	}
	for name, test := range map[string]struct {
		amend func(*etree.Element)
		ok    bool
	}{
		"Count 0":   {restriction("0"), false},
		"Count 1":   {restriction("1"), true},
		"audiences": {restriction("", "https://app.example.org"), false},
	} {
		t.Run(name, func(t *testing.T) {
			h := newHandmade(t)
			a := h.attempt()
			got, err := h.finish(a, h.statement(a), test.amend)
			if !test.ok {
				wantOutcome(t, got, err, connectors.NotAllowed)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUnsolicited(t *testing.T) {
	const on = "  response: {unsolicited_app: planning}"
	begin := func(p *samlProvider) *http.Request {
		resp, err := p.browser.Get(p.url + "/start?persona=full-record")
		if err != nil {
			t.Fatal(err)
		}
		return p.carry(resp)
	}
	t.Run("on", func(t *testing.T) {
		p := newSAMLProvider(t, on)
		got, err := p.open().Finish(t.Context(), connectors.Attempt{}, begin(p))
		if err != nil || got.Subject == "" || got.Once.ID == "" {
			t.Errorf("got %+v, %v", got, err)
		}
	})
	t.Run("off", func(t *testing.T) {
		p := newSAMLProvider(t)
		got, err := p.open().Finish(t.Context(), connectors.Attempt{}, begin(p))
		wantOutcome(t, got, err, connectors.Refused)
	})
	t.Run("an answer to somebody's attempt", func(t *testing.T) {
		p := newSAMLProvider(t, on)
		c := p.open()
		start, err := c.Start(t.Context(), p.attempt())
		if err != nil {
			t.Fatal(err)
		}
		got, err := c.Finish(t.Context(), connectors.Attempt{}, p.travel(start, "full-record"))
		wantOutcome(t, got, err, connectors.Refused)
	})
	t.Run("in place of an answer", func(t *testing.T) {
		p := newSAMLProvider(t, on)
		got, err := p.open().Finish(t.Context(), p.attempt(), begin(p))
		wantOutcome(t, got, err, connectors.Refused)
	})
}

// Of two attempts each answer belongs to one.
func TestSAMLAnswerToAnotherAttempt(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	start, err := c.Start(t.Context(), p.attempt())
	if err != nil {
		t.Fatal(err)
	}
	got, err := c.Finish(t.Context(), p.attempt(), p.travel(start, "full-record"))
	wantOutcome(t, got, err, connectors.Refused)
}

// ForceAuthn travels in the browser's hands: what the provider says it did is
// looked at.
func TestSAMLForce(t *testing.T) {
	p := newSAMLProvider(t)
	c := p.open()
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Fatal(err)
	}
	p.clock.advance(10 * time.Minute)

	forced := p.attempt()
	forced.Force = true
	got, err := p.signIn(c, forced, "full-record")
	if err != nil || !got.AuthTime.Equal(p.clock.Now()) {
		t.Errorf("got %+v, %v; want a new sign-in", got, err)
	}
	p.clock.advance(10 * time.Minute)

	unforced := p.attempt()
	start, err := c.Start(t.Context(), unforced)
	if err != nil {
		t.Fatal(err)
	}
	answer := p.travel(start, "full-record") // by single sign-on
	unforced.Force = true
	got, err = c.Finish(t.Context(), unforced, answer)
	wantOutcome(t, got, err, connectors.Refused)
}

func TestSAMLForceSettings(t *testing.T) {
	for setting, want := range map[string]bool{"passthrough": false, "always": true, "never": false} {
		p := newSAMLProvider(t, "  request: {force: "+setting+"}")
		c := p.open()
		for range 2 {
			p.clock.advance(10 * time.Minute)
			got, err := p.signIn(c, p.attempt(), "full-record")
			if err != nil {
				t.Fatalf("%s: %v", setting, err)
			}
			if fresh := got.AuthTime.Equal(p.clock.Now()); want && !fresh {
				t.Errorf("%s: signed in at %v", setting, got.AuthTime)
			}
		}
	}
}

func TestSAMLErrorsAreTheOperators(t *testing.T) {
	p := newSAMLProvider(t)
	p.cfg.Errors = map[string]string{"AuthnFailed": "declined", "Responder": "not_allowed"}
	for fault, want := range map[string]connectors.Outcome{
		"cancel": connectors.Declined, "responder": connectors.NotAllowed, "request-denied": connectors.Declined,
	} {
		got, err := p.signIn(p.open(), p.attempt(), fault)
		wantOutcome(t, got, err, want)
	}
}

func TestSAMLCallback(t *testing.T) {
	for name, bend := range map[string]func(form url.Values){
		"nothing":             func(form url.Values) { form.Del("SAMLResponse") },
		"no base64":           func(form url.Values) { form.Set("SAMLResponse", "%") },
		"two responses":       func(form url.Values) { form.Add("SAMLResponse", form.Get("SAMLResponse")) },
		"a request":           func(form url.Values) { form["SAMLRequest"] = form["SAMLResponse"]; form.Del("SAMLResponse") },
		"an artifact besides": func(form url.Values) { form.Set("SAMLart", strings.Repeat("A", 60)) },
		"an artifact": func(form url.Values) {
			form.Set("SAMLart", strings.Repeat("A", 60))
			form.Del("SAMLResponse")
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newSAMLProvider(t)
			c, a := p.open(), p.attempt()
			start, err := c.Start(t.Context(), a)
			if err != nil {
				t.Fatal(err)
			}
			r := p.travel(start, "full-record")
			if err := r.ParseForm(); err != nil {
				t.Fatal(err)
			}
			bend(r.PostForm)
			bent := httptest.NewRequest(http.MethodPost, callbackURL, strings.NewReader(r.PostForm.Encode()))
			bent.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			got, err := c.Finish(t.Context(), a, bent)
			wantOutcome(t, got, err, connectors.Refused)
		})
	}
}

// Responses come by the binding that was asked for. What comes by another is not
// even read.
func TestSAMLAnswerByAnotherBinding(t *testing.T) {
	const byArtifact = "  response: {binding: artifact}"
	response := func(p *samlProvider, a connectors.Attempt) *http.Request {
		start, err := p.open().Start(t.Context(), a)
		if err != nil {
			t.Fatal(err)
		}
		return p.travel(start, "full-record")
	}
	t.Run("by redirect", func(t *testing.T) {
		p := newSAMLProvider(t)
		r := httptest.NewRequest(http.MethodGet, callbackURL+"?SAMLResponse=%25", nil)
		got, err := p.open().Finish(t.Context(), p.attempt(), r)
		wantOutcome(t, got, err, connectors.Refused)
		if err == nil || !strings.Contains(err.Error(), "did not come by POST") {
			t.Errorf("it was read: %v", err)
		}
	})
	t.Run("POST in place of an artifact", func(t *testing.T) {
		p := newSAMLProvider(t)
		a := p.attempt()
		r := response(p, a)
		p.cfg.SAML.Response.Binding = "artifact"
		got, err := p.open().Finish(t.Context(), a, r)
		wantOutcome(t, got, err, connectors.Refused)
	})
	t.Run("an artifact in place of POST", func(t *testing.T) {
		p := newSAMLProvider(t, byArtifact)
		a := p.attempt()
		r := response(p, a)
		p.cfg.SAML.Response.Binding = "post"
		got, err := p.open().Finish(t.Context(), a, r)
		wantOutcome(t, got, err, connectors.Refused)
		if p.played.Calls("artifact") != 0 {
			t.Error("it was resolved")
		}
	})
}

func TestSAMLObserves(t *testing.T) {
	p := newSAMLProvider(t, "  response: {binding: artifact}")
	seen := map[string]string{}
	o := p.options(credential())
	o.Observe = func(_, call, outcome string, _ time.Duration) { seen[call] = outcome }
	c, err := connectors.Open(p.cfg, o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.signIn(c, p.attempt(), "full-record"); err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"metadata": "ok", "artifact": "ok"}; !maps.Equal(seen, want) {
		t.Errorf("observed %v, want %v", seen, want)
	}
}

func TestSAMLNeedsCredentials(t *testing.T) {
	h := newHandmade(t)
	if _, err := connectors.Open(h.cfg, connectors.Options{Redirect: callbackURL}); err == nil {
		t.Error("opened without credentials")
	}
}

// BenchmarkSAMLFinish is what a response costs whose assertion is signed and
// names fifty groups.
func BenchmarkSAMLFinish(b *testing.B) {
	h := newHandmade(b)
	a := h.attempt()
	s := h.statement(a)
	s.Attributes = []message.Attribute{{Name: "groups", Values: slices.Repeat([]string{"CN=Group,DC=council,DC=example"}, 50)}}
	c, form := h.open(), h.form(a, s)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := c.Finish(b.Context(), a, posted(callbackURL, form)); err != nil {
			b.Fatal(err)
		}
	}
}
