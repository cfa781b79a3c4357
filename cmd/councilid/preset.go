package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// exampleIssuer stands for the broker's own address.
const exampleIssuer = "https://login.example.gov.uk"

func newPreset() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "preset",
		Short: "Look through the providers that are known",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newPresetList(), newPresetShow())
	return cmd
}

func newPresetList() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the presets",
		Long: `List the presets, each with what it speaks, whether its facts were tried with the
real provider (stable), not yet (beta), or are not public (reference), the day on
which they were last checked, the most that a sign-in there can prove, and who may
use it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return listPresets(cmd.OutOrStdout()) },
	}
}

func newPresetShow() *cobra.Command {
	var issuer, id string
	cmd := &cobra.Command{
		Use:   "show PRESET",
		Short: "Say what a preset needs, and what it proves",
		Long: `Say who may use a provider, what has to be done there and which addresses it has to
be told, what to write in the connector's file, and what a sign-in there proves.`,
		Args:              cobra.MatchAll(cobra.ExactArgs(1), knownPreset),
		ValidArgsFunction: cobra.FixedCompletions(config.PresetNames(connectors.Presets()), cobra.ShellCompDirectiveNoFileComp),
		RunE: func(cmd *cobra.Command, args []string) error {
			id = cmp.Or(id, args[0])
			if !plainID.MatchString(id) {
				return fmt.Errorf("%q cannot be an id, which has lower-case letters, digits and hyphens", id)
			}
			issuer = strings.TrimSuffix(issuer, "/")
			p, err := config.LoadPreset(connectors.Presets(), args[0], issuer, id)
			if err != nil {
				return err
			}
			return sheet{p, issuer}.print(cmd.OutOrStdout())
		},
	}
	cmd.Flags().StringVar(&issuer, "issuer", exampleIssuer, "the broker's own address, as in broker.yaml")
	cmd.Flags().StringVar(&id, "id", "", "id of the connector, the name of its file; default: the preset's name")
	return cmd
}

// knownPreset reports a preset that there is not.
func knownPreset(_ *cobra.Command, args []string) error {
	_, err := config.LoadPreset(connectors.Presets(), args[0], exampleIssuer, "preset")
	if problems, ok := errors.AsType[config.Problems](err); ok {
		p := problems[0]
		if p.Suggest != "" {
			return fmt.Errorf("%s; did you mean %q?", p.Message, p.Suggest)
		}
		return errors.New(p.Message)
	}
	return err
}

func listPresets(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	_, _ = fmt.Fprintln(t, "PRESET\tSPEAKS\tSTATUS\tCHECKED\tPROVES\tFOR")
	for _, name := range config.PresetNames(connectors.Presets()) {
		p, err := config.LoadPreset(connectors.Presets(), name, exampleIssuer, name)
		if err != nil {
			return err
		}
		setup := setupOf(p)
		_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%s\n", name, protocolOf(p), setup.Status, p.Verified, p.Reach(), brief(setup.Eligibility))
	}
	return t.Flush()
}

// protocolOf is what a provider speaks.
func protocolOf(p *config.Preset) string {
	switch {
	case p.OIDC != nil:
		return "OpenID Connect"
	case p.OAuth2 != nil:
		return "OAuth 2.0"
	case p.SAML != nil:
		return "SAML 2.0"
	}
	return "the broker"
}

// setupOf is what a preset says to operators.
func setupOf(p *config.Preset) config.Setup {
	if p.Setup == nil {
		return config.Setup{Status: "stable"}
	}
	return *p.Setup
}

// brief is the first sentence of a text, or the beginning of it.
func brief(text string) string {
	const most = 60
	text, _, _ = strings.Cut(strings.Join(strings.Fields(text), " "), ". ")
	letters := []rune(strings.TrimSuffix(text, "."))
	if len(letters) <= most {
		return string(letters)
	}
	cut := string(letters[:most])
	return cut[:strings.LastIndex(cut, " ")] + " …"
}
