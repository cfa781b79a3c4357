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
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// observer is the app of the council of OpenPersonas.
const observer = "observer"

// OpenPersonas is Open for a council with a connector for every preset, and one
// app that takes whoever comes and asks for all that there is to know.
func OpenPersonas() (*Site, error) {
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
	for i := range s.Config.Connectors {
		s.Config.Connectors[i].Network.Timeout = slow / 5
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
	predictions, err := readPredictions()
	if err != nil {
		return nil, err
	}
	var cells []Cell
	for _, c := range s.Config.Connectors {
		for _, each := range s.tries(c.ID) {
			cell := Cell{Connector: c.ID, Persona: each.persona}
			if err := s.try(ctx, each, &cell); err != nil {
				cell.Outcome = err.Error()
			}
			predictions.judge(&cell)
			cells = append(cells, cell)
			if err := recover(); err != nil {
				return cells, err
			}
		}
	}
	return append(cells, predictions.untried()...), nil
}

// try is one persona at one provider. A fault that strikes before anybody can be
// chosen is imposed.
type try struct {
	connector, persona string
	imposed            bool
}

func (s *Site) tries(connector string) []try {
	var all []try
	p := s.Providers[connector]
	for _, persona := range p.Personas() {
		all = append(all, try{connector: connector, persona: persona.ID})
	}
	for _, fault := range p.Faults() {
		if fault.Beforehand() {
			all = append(all, try{connector, fault.ID, true})
		}
	}
	return all
}

// try signs in, and enters in the cell what became of it.
func (s *Site) try(ctx context.Context, t try, cell *Cell) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	who := t.persona
	if t.imposed {
		p := s.Providers[t.connector]
		if err := p.SetFault(t.persona); err != nil {
			return err
		}
		defer func() { _ = p.SetFault("") }() // it knows ""
		who = "full-record"
	}
	b, err := newBrowser("", who)
	if err != nil {
		return err
	}
	app := s.Apps[0]
	hint := url.Values{"connector_hint": {t.connector}, "acr_values": {highestFirst()}}
	at, err := b.get(ctx, app.Base+"/sign-in?"+hint.Encode())
	if err != nil {
		return err
	}
	if left := at.leftBy(app.Base); left != "" {
		cell.Outcome = left
		return nil
	}
	person, err := app.whoIsThere(ctx, b)
	if err != nil {
		return err
	}
	cell.Outcome, cell.Claims = "ok", slices.DeleteFunc(person.Names(), func(name string) bool { return name == "sub" })
	cell.Identity, cell.Authenticator = parts(person.Level)
	return nil
}

// levelPrefix begins the names that the council of OpenPersonas has for levels.
const levelPrefix = "urn:x-level:"

// highestFirst asks for each level there is a name for.
func highestFirst() string {
	var names []string
	for _, level := range []string{"P3.Ch", "P3.Cm", "P2.Ch", "P2.Cm", "P1.Ch", "P1.Cm", "Ch", "Cm", "Cl"} {
		names = append(names, levelPrefix+level)
	}
	return strings.Join(names, " ")
}

// parts are the two levels in the name of one: P2 and Cm of P2.Cm, P0 and Cl of
// Cl. Whoever is told of no level reached none.
func parts(name string) (identity, authenticator string) {
	name = strings.TrimPrefix(name, levelPrefix)
	identity, authenticator, both := strings.Cut(name, ".")
	if !both {
		return "P0", cmp.Or(name, "C0")
	}
	return identity, authenticator
}

// leftBy says how a walk ended that did not lead to the app: "" where it did.
func (s stop) leftBy(app string) string {
	if problem := s.text("problem"); problem != "" {
		return problem
	}
	if strings.HasPrefix(s.url.String(), app) {
		return ""
	}
	for n := range s.nodes() {
		if outcome := attribute(n, "data-outcome"); outcome != "" {
			return outcome
		}
	}
	return http.MethodGet + " " + s.url.Path
}
