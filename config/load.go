package config

import (
	"cmp"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// Load reads the folder dir. Connectors start from the presets they name,
// files NAME.yaml of presets. Where there are mistakes the error is of type
// [Problems] and holds all of them, with the warnings.
//
// Load changes nothing but its result, so a running broker may call it to see
// whether an edited folder is sound.
func Load(dir string, presets fs.FS) (*Config, error) {
	l := &loader{dir: dir, presets: presets, now: time.Now()}
	l.apps = l.ids("apps")
	cfg := &Config{Dir: dir}
	l.loadBroker(&cfg.Broker)
	l.loadConnectors(cfg)
	l.loadApps(cfg)
	l.problems = l.problems.tidy()
	if l.problems.Mistakes() > 0 {
		return nil, l.problems
	}
	cfg.Warnings = l.problems
	cfg.resolve()
	return cfg, nil
}

type loader struct {
	dir      string
	presets  fs.FS
	apps     []string // ids
	now      time.Time
	broker   report // of broker.yaml, for what it says of connectors
	problems Problems
}

func (l *loader) loadBroker(b *Broker) {
	b.setDefaults()
	doc, ok := l.open("broker.yaml")
	if !ok {
		return
	}
	l.decode(doc, b)
	b.derive()
	l.broker = l.report(doc)
	l.broker.broker(b)
}

func (l *loader) loadConnectors(cfg *Config) {
	seen := registrations{}
	seen.claim("broker.yaml", "entity", cfg.Broker.SAML.EntityID)
	heard := hear(&cfg.Broker)
	for _, id := range l.ids("connectors") {
		c := Connector{ID: id}
		c.setDefaults()
		if doc, ok := l.open("connectors/" + id + ".yaml"); ok {
			r := l.report(doc)
			r.settings = &cfg.Broker
			if l.connector(&c, &r, &cfg.Broker) {
				r.connector(&c)
				r.alone(&c, seen)
				r.speaker(&c, heard)
			}
		}
		c.keepPromises()
		cfg.Connectors = append(cfg.Connectors, c)
	}
	if l.broker.own != nil {
		l.broker.precedence(&cfg.Broker, cfg.Connectors)
	}
	slices.SortStableFunc(cfg.Connectors, func(a, b Connector) int { return cmp.Compare(a.Order, b.Order) })
}

func (l *loader) loadApps(cfg *Config) {
	seen, reports := registrations{}, map[string]report{}
	for _, id := range l.apps {
		a := App{ID: id}
		a.setDefaults()
		if doc, ok := l.open("apps/" + id + ".yaml"); ok {
			l.decode(doc, &a)
			r := l.report(doc)
			if a.SAML != nil {
				r.party = r.application(a.SAML)
			}
			a.derive(&cfg.Broker, r.party)
			r.app(&a, cfg.Connectors)
			r.onlyOne(&a, seen)
			reports[id] = r
		}
		cfg.Apps = append(cfg.Apps, a)
	}
	for i := range cfg.Apps {
		if r, read := reports[cfg.Apps[i].ID]; read {
			r.shared(&cfg.Apps[i], cfg.Apps)
			r.byClaims(&cfg.Apps[i], cfg.Apps)
		}
	}
}

// ids lists what the files of a subfolder describe.
func (l *loader) ids(folder string) []string {
	entries, err := os.ReadDir(filepath.Join(l.dir, folder))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		l.problems = append(l.problems, Problem{File: folder, Message: unreadable(folder, err).Error()})
	}
	var ids []string
	for _, e := range entries {
		name := e.Name()
		switch id, yaml := strings.CutSuffix(name, ".yaml"); {
		case strings.HasPrefix(name, "."): // editors' and Kubernetes' own
		case yaml:
			ids = append(ids, id)
		case strings.HasSuffix(name, ".yml"):
			l.problems = append(l.problems, Problem{
				File: folder + "/" + name, Message: "files here end in .yaml", Suggest: strings.TrimSuffix(name, ".yml") + ".yaml",
			})
		}
	}
	return ids
}

// open reads and parses a file of the folder, and notes why where it cannot.
func (l *loader) open(name string) (*document, bool) {
	text, err := os.ReadFile(filepath.Join(l.dir, name))
	if err != nil {
		l.problems = append(l.problems, Problem{File: name, Message: unreadable(filepath.Join(l.dir, name), err).Error()})
		return nil, false
	}
	return l.parse(name, text)
}

func (l *loader) parse(name string, text []byte) (*document, bool) {
	doc, problem := parse(name, text)
	if problem != nil {
		l.problems = append(l.problems, *problem)
		return nil, false
	}
	return doc, true
}

func (l *loader) decode(doc *document, to defaulter) {
	d := decoder{doc: doc, dir: l.dir, problems: &l.problems}
	d.decode(to)
}

func (l *loader) report(own *document) report {
	return report{own: own, apps: l.apps, dir: l.dir, now: l.now, problems: &l.problems}
}

// files are the names of files in a connector.
func (c *Connector) files() []*string {
	names := []*string{&c.Network.CA, &c.Network.Cert}
	if s := c.SAML; s != nil {
		names = append(names, &s.Metadata.File, &s.Metadata.Signer)
	}
	if c.Council != nil {
		names = append(names, &c.Council.Breached, &c.Council.Attestation)
	}
	return names
}

// files are the names of files in an app.
func (a *App) files() []*string {
	var names []*string
	if o := a.OIDC; o != nil {
		names = append(names, &o.JWKS)
	}
	if s := a.SAML; s != nil {
		names = append(names, &s.Metadata.File, &s.Metadata.Signer)
		if s.Manual != nil {
			names = append(names, &s.Manual.Certificate)
		}
	}
	return names
}

// resolve makes the names of files hold from anywhere.
func (c *Config) resolve() {
	names := []*string{&c.Broker.DataDir, &c.Broker.Look.Logo}
	if t := c.Broker.TLS; t != nil {
		names = append(names, &t.Cert, &t.Key)
	}
	if r := c.Broker.Redis; r != nil && r.TLS != nil {
		names = append(names, &r.TLS.CA, &r.TLS.Cert, &r.TLS.Key)
	}
	if d := c.Broker.Database; d != nil {
		names = append(names, &d.SQLite)
	}
	for i := range c.Connectors {
		names = append(names, c.Connectors[i].files()...)
	}
	for i := range c.Apps {
		names = append(names, c.Apps[i].files()...)
	}
	for _, name := range names {
		if *name != "" {
			*name = within(c.Dir, *name)
		}
	}
}
