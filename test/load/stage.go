package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/simulator"
	"github.com/councilid/councilid/test/servers"
)

// stage is what the program set up around the broker.
type stage struct {
	Target  target
	Stores  string
	Alg     string // of the ID tokens
	ReadyMS float64
	host
}

// host stands in for a test where test/servers wants one: it keeps what is to
// be cleaned up, and tells of a missing program by a panic.
type host struct {
	testing.TB
	cleanups []func()
}

type absent struct{ why string }

func (h *host) Helper()                         {}
func (h *host) Cleanup(f func())                { h.cleanups = append(h.cleanups, f) }
func (h *host) Fatal(args ...any)               { panic(errors.New(fmt.Sprint(args...))) }
func (h *host) Fatalf(text string, args ...any) { panic(fmt.Errorf(text, args...)) }
func (h *host) Skipf(text string, args ...any)  { panic(absent{fmt.Sprintf(text, args...)}) }

func (h *host) tearDown() {
	for i := len(h.cleanups) - 1; i >= 0; i-- {
		h.cleanups[i]()
	}
}

// real starts a real server, or returns "" where its program is not here.
func (h *host) real(start func(testing.TB) string) (address string) {
	defer func() {
		if problem := recover(); problem != nil {
			if _, ok := problem.(absent); !ok {
				panic(problem)
			}
		}
	}()
	return start(h)
}

const (
	appSecret   = "a-secret-for-load"
	redirectURI = "http://127.0.0.1:1/callback"
)

// setUp starts the stores, the provider and the broker.
func setUp(ctx context.Context, o options) (*stage, error) {
	s := &stage{Alg: o.Alg}
	dir, err := os.MkdirTemp("", "councilid-load-")
	if err != nil {
		return nil, err
	}
	s.Cleanup(func() { _ = os.RemoveAll(dir) })
	files := s.folder(o)
	provider, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	issuer, admin, err := freeAddresses()
	if err != nil {
		return nil, err
	}
	s.Target = target{
		Issuer: "http://" + issuer, Admin: "http://" + admin, ClientID: "load", Secret: appSecret,
		RedirectURI: redirectURI, Connector: "upstream",
	}
	fill := strings.NewReplacer("{{issuer}}", issuer, "{{admin}}", admin, "{{provider}}", "http://"+provider.Addr().String(), "{{alg}}", o.Alg)
	for name, text := range files {
		file := filepath.Join(dir, name)
		if err := errors.Join(os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, []byte(fill.Replace(text)), 0o600)); err != nil {
			return nil, err
		}
	}
	if err := s.play(dir, provider); err != nil {
		return nil, err
	}
	return s, s.start(ctx, dir)
}

// folder is the operator's folder.
func (s *stage) folder(o options) map[string]string {
	broker := "issuer: http://{{issuer}}\nlisten: \"{{issuer}}\"\nadmin: \"{{admin}}\"\n" +
		"limits: {address: 100000000, app: 100000000}\nlog: {format: json, level: info}\n"
	files := map[string]string{
		"secret": appSecret,
		"connectors/upstream.yaml": "label: Upstream\nclient_id: load\nclient_secret: file:secret\noidc: {issuer: \"{{provider}}\", algorithms: [ES256]}\n" +
			"claims: {name: claims.name, given_name: claims.given_name, family_name: claims.family_name, email: claims.email}\n" +
			"trust: {email: {policy: claim}}\n",
		"apps/load.yaml": "label: Load\noidc:\n  client_secret: file:secret\n  redirect_uris: [\"" + redirectURI + "\"]\n" +
			"  id_token_signed_response_alg: {{alg}}\nrelease: [sub, name, email, email_verified]\n",
	}
	redis, postgres := "", ""
	if !o.Embedded {
		redis, postgres = s.real(servers.Redis), s.real(servers.Postgres)
	}
	stores := []string{"embedded Redis", "SQLite"}
	if redis != "" {
		broker += fmt.Sprintf("redis: {addresses: [%q]}\n", redis)
		stores[0] = "Redis"
	}
	if postgres != "" {
		broker += "database: {postgres: file:postgres}\nmaster_key: file:master\n"
		files["postgres"], files["master"] = postgres, strings.Repeat("2a", 32)
		stores[1] = "PostgreSQL"
	}
	files["broker.yaml"] = broker
	s.Stores = strings.Join(stores, ", ")
	return files
}

// play serves the provider that the connector leads to.
func (s *stage) play(dir string, l net.Listener) error {
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return err
	}
	connector := cfg.Connectors[0]
	connector.Simulator = &config.Simulator{Algorithm: "ES256"} // an RSA signature here would take the broker's CPU
	p, err := simulator.New(connector, simulator.Options{Redirect: []string{s.Target.Issuer + "/callback/upstream"}})
	if err != nil {
		return err
	}
	server := &http.Server{Handler: p, ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = server.Serve(l) }()
	s.Cleanup(func() { _ = server.Close() })
	return nil
}

// start builds the broker and starts it twice: the first time it makes its
// keys, the second is the start that is timed and measured.
func (s *stage) start(ctx context.Context, dir string) error {
	program := filepath.Join(dir, "councilid")
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", program, "github.com/councilid/councilid/cmd/councilid")
	build.Env = append(os.Environ(), "CGO_ENABLED=0") // as cmd/councilid/Dockerfile has it
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		return fmt.Errorf("build the broker: %w", err)
	}
	stop, _, err := s.serve(ctx, program, dir)
	if err != nil {
		return err
	}
	stop()
	stop, took, err := s.serve(ctx, program, dir)
	if err != nil {
		return err
	}
	s.ReadyMS = float64(took.Microseconds()) / 1000
	s.Cleanup(stop)
	return nil
}

// serve runs the broker and waits until it is ready.
func (s *stage) serve(ctx context.Context, program, dir string) (stop func(), took time.Duration, err error) {
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return nil, 0, err
	}
	cmd := exec.CommandContext(ctx, program, "serve", "--config", dir)
	cmd.Stderr = log
	started := time.Now()
	if err := cmd.Start(); err != nil {
		return nil, 0, err
	}
	stop = func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
		_ = log.Close()
	}
	for time.Since(started) < 30*time.Second {
		answer, err := http.Get(s.Target.Admin + "/readyz")
		if err == nil {
			_ = answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return stop, time.Since(started), nil
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	text, _ := os.ReadFile(log.Name())
	return nil, 0, fmt.Errorf("the broker is not ready after 30 seconds:\n%s", text)
}

// freeAddresses are two loopback addresses that were free a moment ago.
func freeAddresses() (a, b string, err error) {
	for _, address := range []*string{&a, &b} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return "", "", err
		}
		defer func() { _ = l.Close() }()
		*address = l.Addr().String()
	}
	return a, b, nil
}
