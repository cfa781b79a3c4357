package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// stopTime is how long a stopping node waits for the requests in flight.
const stopTime = 20 * time.Second

func newServe() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Run the broker",
		Long: `Run the broker from a configuration folder until it is interrupted.

SIGHUP reads the folder again: when it is sound the new configuration serves
from the next request on, else the old one stays and the mistakes are logged.
What the stores and listeners are takes a restart to change.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			return serve(ctx, dir, cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	return cmd
}

// heapGrowth is how much the heap may grow, in percent of what is in use, before it is
// cleared up. It is small beside the program itself: half of it more costs a node little
// memory, and saves every twentieth of its time.
const heapGrowth = 150

func serve(ctx context.Context, dir string, out io.Writer) (err error) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(heapGrowth)
	}
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return err
	}
	log := newLogger(cfg.Broker.Log, out)
	redis.SetLogger(redisLog{log})
	for _, w := range slices.Concat(cfg.Warnings, cfg.Stale(time.Now())) {
		log.Warn("configuration: "+w.Message, "file", w.File, "line", w.Line, "key", w.Path)
	}
	flush, err := broker.Trace(ctx, cfg.Broker, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, flush(context.WithoutCancel(ctx))) }()
	b, err := broker.Open(ctx, cfg, log, os.Stdout)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()
	var pair certificate
	if err := pair.load(cfg.Broker.TLS); err != nil {
		return err
	}
	public, admin, err := listen(cfg.Broker, &pair)
	if err != nil {
		return err
	}
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	debug.FreeOSMemory() // migrations, connectors and rules needed more to start than to run
	log.Info("serving", "issuer", cfg.Broker.Issuer, "listen", public.Addr().String(), "admin", admin.Addr().String())
	return run(ctx, b, public, admin, func(ctx context.Context) { reloadOn(ctx, hangup, b, &pair, dir, log) })
}

// listen opens both listeners, the public one with TLS where the broker ends
// it itself.
func listen(c config.Broker, pair *certificate) (public, admin net.Listener, err error) {
	if public, err = net.Listen("tcp", c.Listen); err != nil {
		return nil, nil, err
	}
	if c.TLS != nil {
		public = tls.NewListener(public, tlsConfig(pair))
	}
	if admin, err = net.Listen("tcp", c.Admin); err != nil {
		return nil, nil, errors.Join(err, public.Close())
	}
	return public, admin, nil
}

// run serves until ctx ends and then lets the requests in flight finish.
func run(ctx context.Context, b *broker.Broker, public, admin net.Listener, background ...func(context.Context)) error {
	residents, operators := newServer(b), newServer(b.Admin())
	operators.WriteTimeout = 0 // a profile takes as long as it is asked to
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return serving(residents.Serve(public)) })
	g.Go(func() error { return serving(operators.Serve(admin)) })
	g.Go(func() error { return b.Run(ctx) })
	for _, work := range background {
		g.Go(func() error { work(ctx); return nil })
	}
	g.Go(func() error {
		<-ctx.Done()
		b.Leave()
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopTime)
		defer cancel()
		return errors.Join(residents.Shutdown(ctx), operators.Shutdown(ctx))
	})
	if err := g.Wait(); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// newServer bounds what a slow or hostile client can hold.
func newServer(h http.Handler) *http.Server {
	return &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       15 * time.Second,
		WriteTimeout:      60 * time.Second, // a provider may take its time in the callback
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(slog.DiscardHandler, slog.LevelError), // TLS scanners fill logs; requests log themselves
	}
}

func serving(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// reloadOn reads the folder again at each hangup: all or nothing. The
// certificate comes along, so that a renewed one needs no restart.
func reloadOn(ctx context.Context, hangup <-chan os.Signal, b *broker.Broker, pair *certificate, dir string, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangup:
			if err := reload(b, pair, dir); err != nil {
				log.Error("the configuration was not changed", "err", err)
				continue
			}
			log.Info("the new configuration serves")
		}
	}
}

func reload(b *broker.Broker, pair *certificate, dir string) error {
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return err
	}
	if err := b.Reload(cfg); err != nil {
		return err
	}
	return pair.load(cfg.Broker.TLS)
}

// newLogger writes JSON, or text for a person at a terminal.
func newLogger(c config.Log, out io.Writer) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(c.Level)); err != nil {
		level = slog.LevelInfo
	}
	options := &slog.HandlerOptions{Level: level}
	if c.Format == "text" || c.Format == "" && isTerminal(out) {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

func isTerminal(out io.Writer) bool {
	file, ok := out.(*os.File)
	if !ok {
		return false
	}
	info, err := file.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}

// redisLog takes what go-redis says of its connections, which it would print
// to standard error.
type redisLog struct{ log *slog.Logger }

// Printf logs at debug level: a call that fails because of it says so itself.
func (l redisLog) Printf(ctx context.Context, format string, args ...any) {
	l.log.DebugContext(ctx, fmt.Sprintf(format, args...))
}
