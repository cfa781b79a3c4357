package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

func newExplain() *cobra.Command {
	var o officer
	var account, app string
	cmd := o.flags(&cobra.Command{
		Use:   "explain",
		Short: "Say where each thing that is known of somebody comes from, and why an app is told it",
		Long: `Say, claim by claim, what each source says of a person, which of them wins and by
what, and what an app would be told at most: in a session in which the person has
shown all that is proved of them, if the app asks for all that it may.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRegister(cmd, o.dir, func(r *broker.Register, cfg *config.Config) error {
				return explain(cmd, r, cfg, account, app, o)
			})
		},
	}, "account.explain")
	cmd.Flags().StringVar(&account, "account", "", "whose (required)")
	cmd.Flags().StringVar(&app, "app", "", "id of the app (required)")
	for _, required := range []string{"account", "app"} {
		if err := cmd.MarkFlagRequired(required); err != nil {
			panic(err) // it was added above
		}
	}
	return cmd
}

func explain(cmd *cobra.Command, r *broker.Register, cfg *config.Config, account, id string, o officer) error {
	i := slices.IndexFunc(cfg.Apps, func(app config.App) bool { return app.ID == id })
	if i < 0 {
		return fmt.Errorf("there is no app %s", id)
	}
	if err := r.Look(cmd.Context(), account, o.lookup); err != nil {
		return err
	}
	acc, err := r.Known(cmd.Context(), account)
	if err != nil {
		return err
	}
	findings, err := r.Explain(cmd.Context(), account, cfg.Broker.Precedence())
	if err != nil {
		return err
	}
	told, err := toldTo(cfg.Apps[i], mapping.Told(findings))
	if err != nil {
		return err
	}
	told["sub"] = acc.Subject(cfg.Apps[i].Sector)
	if err := printFindings(cmd.OutOrStdout(), findings); err != nil {
		return err
	}
	return printTold(cmd.OutOrStdout(), id, told)
}

// toldTo is what an app may be told of a statement.
func toldTo(app config.App, st mapping.Statement) (mapping.Claims, error) {
	var rules []mapping.ReleaseRule
	for _, r := range app.Release {
		rules = append(rules, mapping.ReleaseRule{As: r.As, Value: r.Value})
	}
	release, mistakes := mapping.CompileRelease(rules)
	if len(mistakes) > 0 {
		return nil, &mistakes[0]
	}
	return release.Apply(st.Claims, []string{"openid", "profile", "email", "address", "phone"}), nil
}

// printFindings prints what each source says; the first of each kind is what counts,
// unless it is barred.
func printFindings(out io.Writer, findings []mapping.Finding) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(t, "CLAIM\tVALUE\tSOURCE\tVERIFIED\tSAID\tPROVED\tWHY")
	for _, f := range findings {
		for _, w := range f.Words {
			_, _ = fmt.Fprintf(t, "%s\t%s\t%s\t%t\t%s\t%s\t%s\n", w.Claim, text(w.Value), f.Source, w.Verified, day(w.Said), f.Proved, why(f.Verdict))
		}
	}
	return t.Flush()
}

// why is a verdict in words.
func why(v mapping.Verdict) string {
	switch v {
	case mapping.Wins:
		return "wins"
	case mapping.Stale:
		return "is too old"
	case mapping.Listed:
		return "broker.yaml prefers another"
	case mapping.Surer:
		return "more is proved elsewhere"
	case mapping.Vouched:
		return "another vouches for it"
	case mapping.Own:
		return "another's word counts for more than this one's here"
	case mapping.Newer:
		return "there is a newer word"
	case mapping.Withheld:
		return "was said at a stronger sign-in"
	case mapping.Unproved:
		return "nobody proved it"
	}
	return string(v)
}

func printTold(out io.Writer, app string, told mapping.Claims) error {
	_, _ = fmt.Fprintf(out, "\n%s would be told, at most:\n", app)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(told)) {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", name, text(told[name]))
	}
	return t.Flush()
}

// text is a claim's value on one line.
func text(value any) string {
	line, err := json.Marshal(value)
	if err != nil {
		return "?"
	}
	return string(line)
}
