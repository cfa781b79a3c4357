package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

func newAccount() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Look after residents' accounts",
		Long: `Look after residents' accounts in the database that broker.yaml names.

Whoever looks at an account says who they are and why. That is written down, and
the resident sees it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAccountShow(), newAccountDelete(), newAccountUndelete(), newAccountMerge(), newAccountUndo())
	return cmd
}

// officer is who does something to an account, and in which broker's database.
type officer struct {
	dir    string
	lookup accounts.Lookup
}

// flags adds what an officer has to say to cmd, whose deed is called what.
func (o *officer) flags(cmd *cobra.Command, what string) *cobra.Command {
	o.lookup.What = what
	cmd.Flags().StringVar(&o.dir, "config", ".", "folder with broker.yaml, connectors and apps")
	cmd.Flags().StringVar(&o.lookup.Officer, "officer", "", "who you are (required)")
	cmd.Flags().StringVar(&o.lookup.Reason, "reason", "", "why you do it, which the resident reads: a case number rather than a story (required)")
	for _, required := range []string{"officer", "reason"} {
		if err := cmd.MarkFlagRequired(required); err != nil {
			panic(err) // it was added above
		}
	}
	return cmd
}

// withRegister opens the accounts of the folder's broker while act uses them.
func withRegister(cmd *cobra.Command, dir string, act func(*broker.Register, *config.Config) error) (err error) {
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return err
	}
	r, err := broker.OpenRegister(cmd.Context(), cfg, newLogger(cfg.Broker.Log, cmd.ErrOrStderr()))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	return act(r, cfg)
}

func newAccountShow() *cobra.Command {
	var o officer
	return o.flags(&cobra.Command{
		Use:   "show ACCOUNT",
		Short: "Show how somebody signs in, what was proved of them, and which apps they use",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegister(cmd, o.dir, func(r *broker.Register, _ *config.Config) error {
				if err := r.Look(cmd.Context(), args[0], o.lookup); err != nil {
					return err
				}
				c, err := r.Export(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				merges, err := r.Merges(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				c.Records["merges"] = merged(merges) // in a copy of their own nobody is shown whose the others are
				return showAccount(cmd.OutOrStdout(), c)
			})
		},
	}, "account.show")
}

// merged are merges as rows.
func merged(merges []accounts.Merge) []accounts.Row {
	var rows []accounts.Row
	for _, m := range merges {
		rows = append(rows, accounts.Row{
			"id": m.ID, "kept": m.Kept, "absorbed": m.Absorbed, "proposed_by": m.ProposedBy, "withdrawn_by": m.WithdrawnBy, "approved_by": m.ApprovedBy,
			"merged_at": m.Merged, "undone_at": m.Undone,
		})
	}
	return rows
}

// showAccount prints what an officer may see of an account: nothing that anybody said
// of the person.
func showAccount(out io.Writer, c accounts.Copy) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, section := range []struct{ table, columns string }{
		{"accounts", "id status created_at merged_into leaves_at leaves_why"},
		{"links", "id connector created_at last_used_at frozen_at frozen_why unlinked_at"},
		{"evidence", "connector levels checked_at valid_until"},
		{"services", "app first_used_at last_used_at stopped_at"},
		{"consents", "app agreed_at withdrawn_at"},
		{"delegations", "id apps valid_until ended_at"},
		{"delegations_for_others", "id apps valid_until ended_at"},
		{"merges", "id kept absorbed proposed_by withdrawn_by approved_by merged_at undone_at"},
		{"lookups", "at officer what reason"},
	} {
		rows := c.Records[section.table]
		if len(rows) == 0 {
			continue
		}
		columns := strings.Fields(section.columns)
		_, _ = fmt.Fprintf(t, "%s\n  %s\n", strings.ToUpper(strings.ReplaceAll(section.table, "_", " ")), strings.Join(columns, "\t"))
		for _, row := range rows {
			cells := make([]string, len(columns))
			for i, column := range columns {
				cells[i] = cell(row[column])
			}
			_, _ = fmt.Fprintln(t, "  "+strings.Join(cells, "\t"))
		}
	}
	return t.Flush()
}

// cell is a value in a table.
func cell(value any) string {
	switch v := value.(type) {
	case nil:
		return "-"
	case time.Time:
		if v.IsZero() {
			return "-"
		}
		return v.UTC().Format("2006-01-02 15:04")
	}
	return cmp.Or(fmt.Sprint(value), "-")
}

func newAccountDelete() *cobra.Command {
	var o officer
	return o.flags(&cobra.Command{
		Use:   "delete ACCOUNT",
		Short: "Have an account erased when the time to think again is over",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegister(cmd, o.dir, func(r *broker.Register, _ *config.Config) error {
				until, err := r.DeleteBy(cmd.Context(), args[0], o.lookup)
				if err != nil {
					return err
				}
				_, err = fmt.Fprintf(cmd.OutOrStdout(), "The account is erased on %s, unless somebody keeps it.\n", day(until))
				return err
			})
		},
	}, "account.delete")
}

func newAccountUndelete() *cobra.Command {
	var o officer
	return o.flags(&cobra.Command{
		Use:   "undelete ACCOUNT",
		Short: "Keep an account that was to be erased",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegister(cmd, o.dir, func(r *broker.Register, _ *config.Config) error {
				return r.UndeleteBy(cmd.Context(), args[0], o.lookup)
			})
		},
	}, "account.undelete")
}

// ofMerge runs what an officer does about a merge, once it is written down for the
// residents to see.
func (o *officer) ofMerge(do func(cmd *cobra.Command, r *broker.Register, merge string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		return withRegister(cmd, o.dir, func(r *broker.Register, _ *config.Config) error {
			if err := r.LookAtMerge(cmd.Context(), args[0], o.lookup); err != nil {
				return err
			}
			return do(cmd, r, args[0])
		})
	}
}

func newAccountMerge() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "merge",
		Short: "Make two accounts of one person one, which takes two officers",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var propose, approve, withdraw officer
	cmd.AddCommand(propose.flags(&cobra.Command{
		Use:   "propose KEPT ABSORBED",
		Short: "Propose that one account takes in another, and print the id to approve within 14 days",
		Args:  cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withRegister(cmd, propose.dir, func(r *broker.Register, _ *config.Config) error {
				id, err := r.Propose(cmd.Context(), args[0], args[1], propose.lookup.Officer, propose.lookup.Reason)
				if err != nil {
					return err
				}
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), id)
				return r.LookAtMerge(cmd.Context(), id, propose.lookup)
			})
		},
	}, "merge.propose"), approve.flags(&cobra.Command{
		Use:   "approve MERGE",
		Short: "Carry out what another officer has proposed",
		Args:  cobra.ExactArgs(1),
		RunE: approve.ofMerge(func(cmd *cobra.Command, r *broker.Register, merge string) error {
			return r.Approve(cmd.Context(), merge, approve.lookup.Officer)
		}),
	}, "merge.approve"), withdraw.flags(&cobra.Command{
		Use:   "withdraw MERGE",
		Short: "Withdraw what you or another officer proposed, before it is carried out",
		Args:  cobra.ExactArgs(1),
		RunE: withdraw.ofMerge(func(cmd *cobra.Command, r *broker.Register, merge string) error {
			return r.WithdrawMerge(cmd.Context(), merge, withdraw.lookup.Officer)
		}),
	}, "merge.withdraw"))
	return cmd
}

func newAccountUndo() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "undo",
		Short: "Take two accounts apart that were merged, which takes two officers",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	var propose, approve, withdraw officer
	cmd.AddCommand(propose.flags(&cobra.Command{
		Use:   "propose MERGE",
		Short: "Propose to undo a merge, to be approved within 14 days",
		Args:  cobra.ExactArgs(1),
		RunE: propose.ofMerge(func(cmd *cobra.Command, r *broker.Register, merge string) error {
			return r.ProposeUndo(cmd.Context(), merge, propose.lookup.Officer, propose.lookup.Reason)
		}),
	}, "undo.propose"), approve.flags(&cobra.Command{
		Use:   "approve MERGE",
		Short: "Undo a merge as another officer has proposed, and print what does not go back",
		Args:  cobra.ExactArgs(1),
		RunE: approve.ofMerge(func(cmd *cobra.Command, r *broker.Register, merge string) error {
			left, err := r.ApproveUndo(cmd.Context(), merge, approve.lookup.Officer)
			for _, line := range left {
				_, _ = fmt.Fprintln(cmd.OutOrStdout(), line)
			}
			return err
		}),
	}, "undo.approve"), withdraw.flags(&cobra.Command{
		Use:   "withdraw MERGE",
		Short: "Withdraw what you or another officer proposed, before it is carried out",
		Args:  cobra.ExactArgs(1),
		RunE: withdraw.ofMerge(func(cmd *cobra.Command, r *broker.Register, merge string) error {
			return r.WithdrawUndo(cmd.Context(), merge, withdraw.lookup.Officer)
		}),
	}, "undo.withdraw"))
	return cmd
}
