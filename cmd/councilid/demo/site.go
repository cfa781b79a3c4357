package demo

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

//go:embed config personas
var folders embed.FS

// secret is what every party of the demo shares with the broker.
const secret = "demo-secret-that-guards-nothing-at-all"

// slow is how long a provider that is slow keeps its client waiting: so long that one
// which makes an RSA key meanwhile, on a machine that has much to do, is not taken for
// it.
const slow = 16 * time.Second

// The demo's ports; one that is taken is replaced by any free one.
var ports = map[string]int{
	"broker": 8100, "admin": 8109,
	"google": 8101, "facebook": 8102, "microsoft": 8103, "works": 8104, "partners": 8105,
	"council-tax": 8111, "library": 8112, "planning": 8113,
}

// Site is a whole council on loopback.
type Site struct {
	Config    *config.Config
	Listeners map[string]net.Listener // broker, admin, each provider and each app
	Apps      []*App
	Providers map[string]*simulator.Provider // by the connector's id
	Letters   *Letterbox                     // where the broker prints its mails, among others
	handlers  map[string]http.Handler
	dir       string
}

// Open takes the ports (any free ones where fixed is false), writes the
// operator's folder for them and loads it as the production server would.
func Open(fixed bool) (*Site, error) { return open("config", ports, fixed, (*Site).openApps) }

// open opens the council of a folder, whose parties have ports.
func open(folder string, ports map[string]int, fixed bool, prepare func(*Site) error) (_ *Site, err error) {
	s := &Site{Listeners: map[string]net.Listener{}, Providers: map[string]*simulator.Provider{}, Letters: &Letterbox{}, handlers: map[string]http.Handler{}}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.Close())
		}
	}()
	for name, port := range ports {
		if s.Listeners[name], err = listen(port, fixed); err != nil {
			return nil, err
		}
	}
	if s.dir, err = os.MkdirTemp("", "councilid-demo-"); err != nil {
		return nil, err
	}
	if err := prepare(s); err != nil {
		return nil, err
	}
	if err := s.writeFolder(folder); err != nil {
		return nil, fmt.Errorf("write the demo's configuration: %w", err)
	}
	if s.Config, err = config.Load(s.dir, connectors.Presets()); err != nil {
		return nil, err
	}
	if err := s.openProviders(); err != nil {
		return nil, err
	}
	return s, nil
}

func listen(port int, fixed bool) (net.Listener, error) {
	if fixed {
		if l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port)); err == nil {
			return l, nil
		}
	}
	return net.Listen("tcp", "127.0.0.1:0")
}

// URL is the address of one party. It is a name's, as passkeys belong to names.
func (s *Site) URL(name string) string {
	return "http://" + strings.Replace(s.Listeners[name].Addr().String(), "127.0.0.1", "localhost", 1)
}

// Close frees the ports and removes the folder with everything in it.
func (s *Site) Close() error {
	var errs []error
	for _, l := range s.Listeners {
		if l != nil {
			if err := l.Close(); !errors.Is(err, net.ErrClosed) {
				errs = append(errs, err)
			}
		}
	}
	if s.dir != "" {
		errs = append(errs, os.RemoveAll(s.dir))
	}
	return errors.Join(errs...)
}

// writeFolder renders the operator's folder with the demo's addresses.
func (s *Site) writeFolder(folder string) error {
	values := map[string]any{
		"Broker":       s.URL("broker"),
		"BrokerListen": s.Listeners["broker"].Addr().String(),
		"AdminListen":  s.Listeners["admin"].Addr().String(),
		"Providers":    s.addresses(), "Apps": s.addresses(),
	}
	if err := os.WriteFile(filepath.Join(s.dir, "secret"), []byte(secret), 0o600); err != nil {
		return err
	}
	return fs.WalkDir(folders, folder, func(name string, d fs.DirEntry, err error) error {
		target := filepath.Join(s.dir, strings.TrimPrefix(name, folder))
		if err != nil || d.IsDir() {
			return errors.Join(err, os.MkdirAll(target, 0o700))
		}
		return render(name, target, values)
	})
}

func (s *Site) addresses() map[string]string {
	all := map[string]string{}
	for name := range s.Listeners {
		all[name] = s.URL(name)
	}
	return all
}

func render(name, target string, values any) error {
	t, err := template.ParseFS(folders, name)
	if err != nil {
		return err
	}
	out, err := os.OpenFile(target, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(t.Execute(out, values), out.Close())
}

// openProviders plays each provider from the very connector that calls it.
func (s *Site) openProviders() error {
	for _, c := range s.Config.Connectors {
		if c.Council != nil {
			continue // the broker's own pages
		}
		p, err := simulator.New(c, simulator.Options{
			Secret: secret, Redirect: []string{s.URL("broker") + "/callback/" + c.ID}, Slow: slow,
		})
		if err != nil {
			return fmt.Errorf("simulate %s: %w", c.ID, err)
		}
		s.Providers[c.ID], s.handlers[c.ID] = p, p
	}
	return nil
}

// openApps makes the apps, and hands the metadata of the SAML one to the
// broker's operator.
func (s *Site) openApps() error {
	broker := s.URL("broker")
	planning, err := newSAMLSP(s.URL("planning"), broker+"/saml/metadata")
	if err != nil {
		return fmt.Errorf("make the planning app: %w", err)
	}
	document, err := planning.metadata()
	if err != nil {
		return fmt.Errorf("describe the planning app: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.dir, "planning.xml"), document, 0o600); err != nil {
		return err
	}
	s.Apps = []*App{
		{
			ID: "council-tax", Title: "Council tax", Protocol: "oidc", Tagline: "See your bill and pay it.",
			Shortcut: "google", Label: "Google",
			client: &openID{issuer: broker, secret: secret, scopes: []string{"profile", "email"}},
		},
		{
			ID: "library", Title: "Library", Protocol: "oidc", Tagline: "Borrow, reserve and renew.",
			Shortcut: "facebook", Label: "Facebook",
			client: &openID{issuer: broker, secret: secret, scopes: []string{"profile"}},
		},
		{
			ID: "planning", Title: "Planning (legacy)", Protocol: "saml",
			Tagline: "Follow your application. This service speaks SAML.", client: planning,
		},
	}
	for _, a := range s.Apps {
		a.Base = s.URL(a.ID)
		s.handlers[a.ID] = a.Handler()
	}
	return nil
}

// Serve serves the simulated providers and the apps until ctx ends.
func (s *Site) Serve(ctx context.Context) {
	for name, handler := range s.handlers {
		server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second}
		go func() { _ = server.Serve(s.Listeners[name]) }()
		defer func() { _ = server.Close() }()
	}
	<-ctx.Done()
}
