// Package town puts up a whole council for a test: broker nodes behind one
// address, simulated providers, registered apps. A [Browser] walks through it
// as a resident's would, with a cookie jar of its own.
package town

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
)

// Secret is what every app and provider shares with the broker.
const Secret = "a-secret-of-the-town"

// MasterKey is the master key of towns with a real database.
const MasterKey = "2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a2a"

// App is where every app of the town is. Nobody listens there: browsers stop
// when they are sent to it.
const App = "https://apps.strathmore.example"

// Options of a town. The zero value is one node with embedded stores.
type Options struct {
	Nodes    int    // default 1; more need Redis and Postgres
	Redis    string // address of a server, "" for the embedded one
	Postgres string // connection string, "" for an SQLite file
	// Files are added to the operator's folder, or replace files of it.
	// {{issuer}} and {{ID}} stand for the addresses of the broker and of the
	// provider of connector ID.
	Files map[string]string
	// Localhost has the broker at a name, as passkeys need it. Default: at
	// 127.0.0.1.
	Localhost bool
	// Watch is told of every request to the broker and to the providers once
	// it is answered. Default: nobody is told.
	Watch func(Exchange)
}

// Town is what was put up.
type Town struct {
	Issuer    string
	Dir       string // the operator's folder
	Nodes     []*broker.Broker
	Providers map[string]*simulator.Provider
	Log       *Log

	turn atomic.Int64
	pin  atomic.Int64 // the node that serves everything, from 1; 0 for each in turn
	fill *strings.Replacer
	stop []func() error // of each node
}

// Open puts up a town and takes it down when the test ends.
func Open(tb testing.TB, o Options) *Town {
	tb.Helper()
	t := &Town{Dir: tb.TempDir(), Providers: map[string]*simulator.Provider{}, Log: &Log{}}
	addresses := map[string]string{}
	servers := map[string]*http.Server{}
	for _, name := range append(simulated(folder, o.Files), "issuer") {
		addresses[name], servers[name] = listen(tb, o.Watch)
	}
	if o.Localhost {
		addresses["issuer"] = strings.Replace(addresses["issuer"], "127.0.0.1", "localhost", 1)
	}
	t.Issuer = addresses["issuer"]
	t.writeFolder(tb, o, addresses)
	cfg := t.load(tb)
	t.openProviders(tb, cfg, servers)
	for range max(1, o.Nodes) {
		node, stop := t.openNode(tb, cfg)
		t.Nodes, t.stop = append(t.Nodes, node), append(t.stop, stop)
	}
	tb.Cleanup(func() {
		for _, stop := range t.stop {
			if err := stop(); err != nil {
				tb.Error(err)
			}
		}
	})
	servers["issuer"].Handler.(*late).set(t)
	return t
}

// ServeHTTP hands each request to the next node, as a load balancer would.
func (t *Town) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	node := t.pin.Load() - 1
	if node < 0 {
		node = t.turn.Add(1) % int64(len(t.Nodes))
	}
	t.Nodes[node].ServeHTTP(w, r)
}

// Pin sends everything to node i, from 0; -1 to each in turn again.
func (t *Town) Pin(i int) { t.pin.Store(int64(i) + 1) }

// Address is where the provider of a connector is.
func (t *Town) Address(connector string) string { return t.fill.Replace("{{" + connector + "}}") }

// Reload loads the operator's folder again on the nodes numbered, from 0, or
// on all.
func (t *Town) Reload(nodes ...int) error {
	cfg, err := config.Load(t.Dir, connectors.Presets())
	if err != nil {
		return err
	}
	var errs []error
	for i, node := range t.Nodes {
		if len(nodes) == 0 || slices.Contains(nodes, i) {
			errs = append(errs, node.Reload(cfg))
		}
	}
	return errors.Join(errs...)
}

// Restart stops node i, from 0, and starts it again from the operator's folder.
// No request may be under way.
func (t *Town) Restart(tb testing.TB, i int) {
	tb.Helper()
	if err := t.stop[i](); err != nil {
		tb.Fatal(err)
	}
	t.stop[i] = func() error { return nil } // should the next line fail
	t.Nodes[i], t.stop[i] = t.openNode(tb, t.load(tb))
}

// Write writes a file of the operator's folder, with the same placeholders as
// Options.Files.
func (t *Town) Write(tb testing.TB, name, text string) {
	tb.Helper()
	file := filepath.Join(t.Dir, name)
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		tb.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(t.fill.Replace(text)), 0o600); err != nil {
		tb.Fatal(err)
	}
}

func (t *Town) load(tb testing.TB) *config.Config {
	tb.Helper()
	cfg, err := config.Load(t.Dir, connectors.Presets())
	if err != nil {
		tb.Fatalf("the town's folder: %v", err)
	}
	return cfg
}

func (t *Town) openProviders(tb testing.TB, cfg *config.Config, servers map[string]*http.Server) {
	for _, c := range cfg.Connectors {
		server, ours := servers[c.ID]
		if !ours {
			continue
		}
		p, err := simulator.New(c, simulator.Options{Redirect: []string{t.Issuer + "/callback/" + c.ID}})
		if err != nil {
			tb.Fatal(err)
		}
		t.Providers[c.ID] = p
		server.Handler.(*late).set(p)
	}
}

func (t *Town) openNode(tb testing.TB, cfg *config.Config) (node *broker.Broker, stop func() error) {
	tb.Helper()
	node, err := broker.Open(tb.Context(), cfg, slog.New(slog.NewJSONHandler(t.Log, nil)), io.Discard)
	if err != nil {
		tb.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- node.Run(ctx) }()
	return node, func() error {
		cancel()
		<-done
		return node.Close()
	}
}

func (t *Town) writeFolder(tb testing.TB, o Options, addresses map[string]string) {
	all := maps.Clone(folder)
	all["broker.yaml"] += stores(o, all)
	for _, id := range services {
		document, err := describe(id)
		if err != nil {
			tb.Fatal(err)
		}
		all[id+".xml"] = document
	}
	maps.Copy(all, o.Files)
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(addresses)) {
		pairs = append(pairs, "{{"+name+"}}", addresses[name])
	}
	t.fill = strings.NewReplacer(append(pairs, "{{app}}", App)...)
	for name, text := range all {
		t.Write(tb, name, text)
	}
}

// simulated are the ids of the connectors in folders whose provider the town
// plays: their files say where it is.
func simulated(folders ...map[string]string) []string {
	ids := map[string]bool{}
	for _, files := range folders {
		for name, text := range files {
			id := strings.TrimSuffix(strings.TrimPrefix(name, "connectors/"), ".yaml")
			if strings.Contains(text, "{{"+id+"}}") {
				ids[id] = true
			}
		}
	}
	return slices.Sorted(maps.Keys(ids))
}

// stores are the lines of broker.yaml for real stores, and the secrets that
// they need.
func stores(o Options, folder map[string]string) string {
	var text string
	if o.Redis != "" {
		text += fmt.Sprintf("redis: {addresses: [%q]}\n", o.Redis)
	}
	if o.Postgres != "" {
		text += "database: {postgres: file:postgres}\nmaster_key: file:master\n"
		folder["postgres"], folder["master"] = o.Postgres, MasterKey
	}
	return text
}

// late is a handler that is known only after its address.
type late struct {
	h     atomic.Pointer[http.Handler]
	watch func(Exchange) // may be nil
}

func (l *late) set(h http.Handler) { l.h.Store(&h) }

func (l *late) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := *l.h.Load(); l.watch == nil {
		h.ServeHTTP(w, r)
	} else {
		watched(w, r, h, l.watch)
	}
}

// maxHeader is what `councilid serve` takes of a request's header.
const maxHeader = 32 << 10

func listen(tb testing.TB, watch func(Exchange)) (string, *http.Server) {
	tb.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	server := &http.Server{Handler: &late{watch: watch}, MaxHeaderBytes: maxHeader}
	go func() { _ = server.Serve(l) }()
	tb.Cleanup(func() { _ = server.Close() })
	return "http://" + l.Addr().String(), server
}

// Log keeps what the nodes log.
type Log struct {
	mu   sync.Mutex
	text bytes.Buffer
}

// Write adds lines.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

// String is everything logged so far.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}
