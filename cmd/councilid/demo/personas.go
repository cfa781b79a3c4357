package demo

import (
	"cmp"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/mapping"
)

// observer is the app of the council of OpenPersonas.
const observer = "observer"

// OpenPersonas is Open for a council with a connector for every preset, or for
// those that are named, and one app that takes whoever comes and asks for all
// that there is to know.
func OpenPersonas(presets ...string) (*Site, error) {
	files, err := fs.Glob(folders, "personas/connectors/*.yaml")
	if err != nil {
		return nil, err
	}
	parties := map[string]int{"broker": 0, "admin": 0, observer: 0}
	for _, file := range files {
		parties[strings.TrimSuffix(filepath.Base(file), ".yaml")] = 0
	}
	s, err := open("personas", parties, false, (*Site).openObserver)
	if err != nil {
		return nil, err
	}
	s.Config.Connectors = slices.DeleteFunc(s.Config.Connectors, func(c config.Connector) bool {
		return len(presets) > 0 && !slices.Contains(presets, c.ID)
	})
	for i := range s.Config.Connectors {
		s.Config.Connectors[i].Network.Timeout = slow / 2
	}
	return s, nil
}

// openObserver makes the app, and the keys that providers know the broker by.
func (s *Site) openObserver() error {
	a := &App{
		ID: observer, Title: "Observer", Protocol: "oidc", Base: s.URL(observer),
		client: &openID{issuer: s.URL("broker"), secret: secret, scopes: []string{"profile", "email", "phone", "address"}},
	}
	s.Apps, s.handlers[observer] = []*App{a}, a.Handler()
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return err
	}
	if err := s.writeKey("rsa.pem", rsaKey); err != nil {
		return err
	}
	for _, name := range []string{"p256.pem", "p256-encryption.pem"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return err
		}
		if err := s.writeKey(name, key); err != nil {
			return err
		}
	}
	return nil
}

func (s *Site) writeKey(name string, key any) error {
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(s.dir, name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600)
}

// Cell is what became of one persona, or of one fault, at one provider.
type Cell struct {
	Connector     string   `json:"connector"`
	Persona       string   `json:"persona"`
	Outcome       string   `json:"outcome"`                 // ok, how the provider's answer ended, or where the resident was left
	Identity      string   `json:"identity,omitempty"`      // of a sign-in: how sure the broker is of who it is,
	Authenticator string   `json:"authenticator,omitempty"` // and of the sign-in itself
	Claims        []string `json:"claims,omitempty"`        // that the app was told, names only
	Predicted     string   `json:"predicted,omitempty"`     // what should have become of it, where that is something else
}

// OK reports whether it went as predicted.
func (c Cell) OK() bool { return c.Predicted == "" }

// String is what became of it in the words of the predictions.
func (c Cell) String() string {
	return strings.Join([]string{
		c.Outcome, cmp.Or(c.Identity, "-"), cmp.Or(c.Authenticator, "-"), cmp.Or(strings.Join(c.Claims, ","), "-"),
	}, " ")
}

// CheckPersonas signs in as every persona, and with every fault, at every
// provider, with a browser of its own each time, and compares what became of it
// with the predictions. recover makes the broker forget that a provider was in
// trouble.
func (s *Site) CheckPersonas(ctx context.Context, recover func() error) ([]Cell, error) {
	predictions, err := readPredictions(func(connector string) bool {
		return slices.ContainsFunc(s.Config.Connectors, func(c config.Connector) bool { return c.ID == connector })
	})
	if err != nil {
		return nil, err
	}
	rows := make([][]Cell, len(s.Config.Connectors))
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i, c := range s.Config.Connectors {
		g.Go(func() (err error) {
			rows[i], err = s.checkProvider(ctx, c, recover)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	cells := slices.Concat(rows...)
	for i := range cells {
		predictions.judge(&cells[i])
	}
	return append(cells, predictions.untried()...), nil
}

// atOnce is how many providers are tried at once: much of it is waiting.
const atOnce = 6

func (s *Site) checkProvider(ctx context.Context, c config.Connector, recover func() error) ([]Cell, error) {
	var cells []Cell
	trouble := false
	for _, each := range s.tries(c) {
		if each.fresh || trouble {
			if err := recover(); err != nil {
				return cells, err
			}
		}
		cell := Cell{Connector: c.ID, Persona: each.persona}
		if err := s.try(ctx, each, &cell); err != nil {
			cell.Outcome = err.Error()
		}
		cells = append(cells, cell)
		trouble = each.fresh || cell.Outcome == string(connectors.Unavailable)
	}
	return cells, nil
}

// try is one persona at one provider, or one fault, of whom the app wants to know
// so much.
type try struct {
	connector, persona string
	who                string // the persona who is there
	fault              string // that is chosen as well; "" for none
	wanted             mapping.Assurance
	imposed            bool // the fault strikes before anybody can choose it
	fresh              bool // the broker must know nothing of the provider from before
}

func (s *Site) tries(c config.Connector) []try {
	var all []try
	p, wanted := s.Providers[c.ID], wanted(c)
	for _, persona := range p.Personas() {
		t := try{connector: c.ID, persona: persona.ID, who: persona.ID, wanted: wanted}
		if f := persona.Fault; f != nil {
			t.who, t.fault, t.fresh = newcomer(len(all)), f.ID, renews(f)
		}
		all = append(all, t)
	}
	for _, f := range p.Faults() {
		if f.Beforehand() {
			all = append(all, try{connector: c.ID, persona: f.ID, who: newcomer(len(all)), wanted: wanted, imposed: true, fresh: true})
		}
	}
	return all
}

// renews reports whether f is about new keys, which nobody looks for twice in a
// minute.
func renews(f *simulator.Fault) bool {
	return f.Artefact == simulator.Keys || f.Artefact == simulator.NestedKeys || f.ID == "rotate-keys"
}

// stricken tells the simulated providers what goes wrong.
type stricken struct {
	http.RoundTripper
	fault string // "" for nothing
}

func (s stricken) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Simulator-Fault", s.fault)
	return s.RoundTripper.RoundTrip(r)
}

// newcomer is somebody with a full record who was never here. Each fault strikes
// another: what was proved of a person before counts on, and would hide that
// nothing was proved this time.
func newcomer(number int) string { return fmt.Sprintf("load-%d", number) }

// wanted is the most that a session can be worth by a provider, up to what a
// council needs that decides on money: more takes a card or a key, which few
// people have.
func wanted(c config.Connector) mapping.Assurance {
	cap := c.Cap.Vector().Meet(mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm, Residency: mapping.R3})
	var most mapping.Assurance
	for _, step := range c.Ask {
		nobody := mapping.Assurance{}
		reaches := mapping.Effective(step.Reaches.Vector().Meet(cap), nobody, nobody, nobody)
		if reaches.AtLeast(most) {
			most = reaches
		}
	}
	return most
}

// try signs in, and enters in the cell what became of it.
func (s *Site) try(ctx context.Context, t try, cell *Cell) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	if t.imposed {
		p := s.Providers[t.connector]
		if err := p.SetFault(t.persona); err != nil {
			return err
		}
		defer func() { _ = p.SetFault("") }() // it knows ""
	}
	b, err := newBrowser("", t.who)
	if err != nil {
		return err
	}
	b.http.Transport = stricken{b.http.Transport, t.fault}
	app := s.Apps[0]
	ask := url.Values{"connector_hint": {t.connector}, "vtr": {fmt.Sprintf("[%q]", t.wanted)}}
	at, err := b.get(ctx, app.Base+"/sign-in?"+ask.Encode())
	if cell.Outcome = s.ending(t.connector, at); cell.Outcome == "" {
		return err
	}
	// What the session is worth that there may be: anything will do, and an app is
	// told of a person no more than it asks for.
	ask = url.Values{"prompt": {"none"}, "vtr": {fmt.Sprintf("[%q, %q]", mapping.Assurance{Identity: mapping.P4}, mapping.Assurance{})}}
	if at, err := b.get(ctx, app.Base+"/sign-in?"+ask.Encode()); err != nil || at.text("problem") != "" {
		return err
	}
	person, err := app.whoIsThere(ctx, b)
	if err != nil {
		return err
	}
	cell.Identity, cell.Authenticator = parts(person.Level)
	if cell.Outcome == "ok" {
		cell.Claims = person.Names()
	}
	return nil
}

// parts are the two levels of a vector of trust: P2 and Cm of P2.Cm.F0.R0.
func parts(vector string) (identity, authenticator string) {
	all := append(strings.Split(vector, "."), "", "")
	return all[0], all[1]
}

// ending says how a walk ended: ok at the app, or with what the app was told; at
// the broker with an outcome, at a page of its own (choose: of who can prove
// more), or with the number of an error page; or at the provider, with its page.
// "" where it ended nowhere.
func (s *Site) ending(connector string, end stop) string {
	switch {
	case end.url == nil:
		return ""
	case s.at(observer, end):
		return cmp.Or(told(end.text("problem")), "ok")
	case s.at(connector, end):
		return fmt.Sprintf("provider-%d", end.status)
	}
	for n := range end.nodes() {
		if notice, ok := strings.CutPrefix(attribute(n, "id"), "notice-"); ok {
			return notice
		}
	}
	if end.status == http.StatusOK {
		return strings.TrimPrefix(end.url.Path, "/")
	}
	return fmt.Sprintf("page-%d", end.status)
}

// told is the error of a sentence of an app that was told one (RFC 6749
// §4.1.2.1): a word and a colon.
func told(problem string) string {
	for word := range strings.FieldsSeq(problem) {
		if code, ok := strings.CutSuffix(word, ":"); ok {
			return code
		}
	}
	return problem
}

// at reports whether a walk ended at a party.
func (s *Site) at(party string, end stop) bool {
	return end.url != nil && end.url.Scheme+"://"+end.url.Host == s.URL(party)
}
