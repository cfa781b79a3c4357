package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func newCheck() *cobra.Command {
	var dir string
	var schema bool
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Look for mistakes in a configuration folder",
		Long: `Look for mistakes in a configuration folder and report all of them. Nothing is
started, changed or called.

The exit status is 0 for a sound folder, with or without warnings, and 1 for one
with mistakes.

With --schema the command prints the JSON Schema of the files, for editors:

  councilid check --schema > councilid.schema.json

and then as the first line of broker.yaml, and likewise of the files in
connectors and apps:

  # yaml-language-server: $schema=councilid.schema.json#/$defs/Broker
  # yaml-language-server: $schema=../councilid.schema.json#/$defs/Connector
  # yaml-language-server: $schema=../councilid.schema.json#/$defs/App`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if schema {
				_, err := cmd.OutOrStdout().Write(config.Schema())
				return err
			}
			return check(dir, time.Now(), cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	cmd.Flags().BoolVar(&schema, "schema", false, "print the JSON Schema of the files instead")
	return cmd
}

// check prints what is wrong with a folder, and what is risky.
func check(dir string, now time.Time, out io.Writer) error {
	cfg, err := config.Load(dir, connectors.Presets())
	problems, ok := errors.AsType[config.Problems](err)
	if err != nil && !ok {
		return err
	}
	if err == nil {
		problems = append(cfg.Warnings, cfg.Stale(now)...)
	}
	for _, p := range problems {
		_, _ = fmt.Fprintf(out, "%s\n%s", p, p.Excerpt())
	}
	mistakes := problems.Mistakes()
	_, _ = fmt.Fprintln(out, count(mistakes, "mistake")+", "+count(len(problems)-mistakes, "warning"))
	if mistakes > 0 {
		return exitError{1}
	}
	return nil
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
