package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/cmd/councilid/demo"
)

func newDemo() *cobra.Command {
	var check, personas, asJSON bool
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run a sample council: broker, simulated providers and three apps",
		Long: `Run a sample council on loopback: the broker with embedded stores, simulated
providers and three council apps, one of which speaks SAML. Nothing is kept
when it stops.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
			defer stop()
			out, logs := cmd.OutOrStdout(), cmd.ErrOrStderr()
			switch {
			case personas:
				open := func() (*demo.Site, error) { return demo.OpenPersonas() }
				return runDemo(ctx, open, io.Discard, logs, func(ctx context.Context, s *demo.Site, b *broker.Broker) error {
					return reportPersonas(ctx, out, s, b, asJSON)
				})
			case check:
				open := func() (*demo.Site, error) { return demo.Open(false) }
				return runDemo(ctx, open, io.Discard, logs, func(ctx context.Context, s *demo.Site, _ *broker.Broker) error {
					return report(out, s.Check(ctx), asJSON)
				})
			}
			open := func() (*demo.Site, error) { return demo.Open(true) }
			return runDemo(ctx, open, out, logs, func(ctx context.Context, s *demo.Site, _ *broker.Broker) error {
				describe(out, s)
				<-ctx.Done()
				return nil
			})
		},
	}
	cmd.Flags().BoolVar(&check, "check", false, "sign in through every app and connector, single sign-on and sign out; print a row each, and stop")
	cmd.Flags().BoolVar(&personas, "personas", false,
		"with --check: sign in as every persona, and with every fault, of every provider there is a preset for; print who fares otherwise than predicted, and stop")
	cmd.Flags().BoolVar(&asJSON, "json", false, "with --check: print all rows as a JSON array")
	return cmd
}

// runDemo opens a council, serves it while act runs, and closes it.
func runDemo(ctx context.Context, open func() (*demo.Site, error), out, logs io.Writer,
	act func(context.Context, *demo.Site, *broker.Broker) error,
) (err error) {
	site, err := open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, site.Close()) }()
	b, err := broker.Open(ctx, site.Config, newLogger(site.Config.Broker.Log, logs), io.MultiWriter(out, site.Letters))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()

	ctx, done := context.WithCancel(ctx)
	var failed error
	err = run(ctx, b, site.Listeners["broker"], site.Listeners["admin"],
		site.Serve,
		func(ctx context.Context) { failed = act(ctx, site, b); done() })
	_, _ = fmt.Fprintln(out, "Stopped.")
	return errors.Join(err, failed)
}

// describe prints what there is and what to try.
func describe(out io.Writer, s *demo.Site) {
	_, _ = fmt.Fprintf(out, "A sample council runs on this machine. Open a council app and sign in:\n\n")
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, app := range s.Apps {
		_, _ = fmt.Fprintf(t, "  %s\t%s\tcouncil app\n", app.Title, app.Base)
	}
	_, _ = fmt.Fprintf(t, "  The broker\t%s\tsign-in service\n", s.URL("broker"))
	for _, c := range s.Config.Connectors {
		if c.Council == nil {
			_, _ = fmt.Fprintf(t, "  %s\t%s\tsimulated provider\n", c.Label.In("en"), s.URL(c.ID))
		}
	}
	_, _ = fmt.Fprintf(t, "  Operators\t%s/metrics\tand /readyz, /healthz, /debug/pprof\n", s.URL("admin"))
	_ = t.Flush()
	_, _ = fmt.Fprintf(out, `
Try:
  · "Sign in with Google" on Council tax, and pick a persona: you come back signed in.
  · Then open Library and press "Choose how to sign in": single sign-on asks nothing, and the sub is another.
  · Open Planning, which speaks SAML: you are signed in there too. Sign out of any of the three, and all are signed out.
  · Pick Joan Price, who has no e-mail address, or the fault "Cancel", and see what a resident sees.
  · Sign in to Library as an officer, who goes straight to the staff provider:
    %s/sign-in?login_hint=officer@strathmore.example
  · "Email address or passkey", as somebody with no other account: the mail with the code is printed here. Make a passkey
    if your device has a screen lock, and sign in with that the next time.
  · The sign-in page in Welsh or Gaelic: its language links.

Press Ctrl-C to stop. Nothing is kept.
`, s.Apps[1].Base)
}

// report prints the check's rows; it fails when one of them did.
func report(out io.Writer, rows []demo.Row, asJSON bool) error {
	failed := 0
	for _, row := range rows {
		if !row.OK() {
			failed++
		}
	}
	if asJSON {
		if err := printJSON(out, rows); err != nil {
			return err
		}
	} else if err := printRows(out, rows, failed); err != nil {
		return err
	}
	if failed > 0 {
		return exitError{1}
	}
	return nil
}

func printRows(out io.Writer, rows []demo.Row, failed int) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "APP\tCONNECTOR\tSUB\tCLAIMS RELEASED\tMS\tSIGN-IN\tSSO\tLOGOUT")
	for _, r := range rows {
		_, _ = fmt.Fprintf(t, "%s (%s)\t%s (%s)\t%s\t%s\t%.1f\t%s\t%s\t%s\n", r.App, r.AppProtocol, r.Connector,
			r.ConnectorProtocol, r.Subject, strings.Join(r.Claims, " "), r.MS, r.Outcome, r.SSO, r.Logout)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d sign-ins succeeded\n", len(rows)-failed, len(rows))
	return err
}

func printJSON(out io.Writer, rows any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(rows)
}

// reportPersonas prints whoever fared otherwise than was predicted, or with
// asJSON everybody; it fails where there is one.
func reportPersonas(ctx context.Context, out io.Writer, s *demo.Site, b *broker.Broker, asJSON bool) error {
	cells, err := s.CheckPersonas(ctx, func() error { return b.Reload(s.Config) })
	if err != nil {
		return err
	}
	others := slices.DeleteFunc(slices.Clone(cells), demo.Cell.OK)
	if asJSON {
		err = printJSON(out, cells)
	} else {
		err = printCells(out, others, len(cells))
	}
	if err == nil && len(others) > 0 {
		return exitError{1}
	}
	return err
}

func printCells(out io.Writer, others []demo.Cell, tried int) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	if len(others) > 0 {
		_, _ = fmt.Fprintln(t, "CONNECTOR\tPERSONA OR FAULT\tOUTCOME\tIDENTITY\tAUTHENTICATOR\tCLAIMS RELEASED\tPREDICTED")
	}
	for _, c := range others {
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Connector, c.Persona, c.Outcome, c.Identity, c.Authenticator,
			strings.Join(c.Claims, " "), c.Predicted)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(out, "%d of %d personas and faults as predicted\n", tried-len(others), tried)
	return err
}
