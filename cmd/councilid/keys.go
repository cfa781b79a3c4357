package main

import (
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/broker/keys"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func newKeys() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys",
		Short: "Look after the signing keys in the database",
		Long: `Look after the signing keys in the database that broker.yaml names. A broker that
is running follows within a minute or so.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newKeysList(), newKeysRotate())
	return cmd
}

func newKeysList() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "list",
		Short: "Show each key: when it signs, and until when it is published",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withKeys(cmd, dir, func(k *broker.Keyring) error { return listKeys(cmd.OutOrStdout(), k, time.Now()) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	return cmd
}

func newKeysRotate() *cobra.Command {
	var dir string
	cmd := &cobra.Command{
		Use:   "rotate RS256|ES256|SAML",
		Short: "Make a successor to a key now",
		Long: `Make a successor to the newest key of a line now.

Keys for tokens (RS256, ES256) renew themselves; apps follow by the key set. A new
one is published at once and signs a day later.

The key for SAML is renewed by this command alone, as apps and providers know it
by a certificate that many of them keep by hand. The new certificate is in the
broker's metadata at once and signs after keys.saml_lead, 14 days unless
broker.yaml says otherwise: until then everybody who does not read the metadata by
themselves must be given it.`,
		Args:      cobra.MatchAll(cobra.ExactArgs(1), cobra.OnlyValidArgs),
		ValidArgs: []string{"RS256", "ES256", "SAML"},
		RunE: func(cmd *cobra.Command, args []string) error {
			return withKeys(cmd, dir, func(k *broker.Keyring) error {
				if err := k.Rotate(cmd.Context(), args[0]); err != nil {
					return err
				}
				return listKeys(cmd.OutOrStdout(), k, time.Now())
			})
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	return cmd
}

// withKeys opens the keys of the folder's broker while act uses them.
func withKeys(cmd *cobra.Command, dir string, act func(*broker.Keyring) error) error {
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return err
	}
	return withKeyring(cmd, cfg, act)
}

func withKeyring(cmd *cobra.Command, cfg *config.Config, act func(*broker.Keyring) error) (err error) {
	k, err := broker.OpenKeyring(cmd.Context(), cfg, newLogger(cfg.Broker.Log, cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	return act(k)
}

// listKeys prints a row for each key.
func listKeys(out io.Writer, k *broker.Keyring, now time.Time) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "LINE\tKEY\tSTATE\tSIGNS FROM\tSIGNS UNTIL\tPUBLISHED UNTIL\tCERTIFICATE EXPIRES")
	for _, key := range k.List() {
		var expires time.Time
		if key.Certificate != nil {
			expires = key.Certificate.NotAfter
		}
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", key.Line, key.ID, stateOf(key, now), day(key.From), day(key.Until), day(key.Withdrawn), day(expires))
	}
	return t.Flush()
}

func stateOf(key keys.Key, now time.Time) string {
	switch {
	case key.Signs:
		return "signs"
	case now.Before(key.From):
		return "waits"
	case now.Before(key.Withdrawn):
		return "published"
	}
	return "verifies" // tokens that apps kept
}

// day prints a day; none for the zero time.
func day(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format(time.DateOnly)
}
