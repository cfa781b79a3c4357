package main

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
)

// rekeying is what councilid rekey was called with.
type rekeying struct {
	officer
	connector, file, since string
	apply                  bool
}

func newRekey() *cobra.Command {
	var k rekeying
	cmd := &cobra.Command{
		Use:   "rekey --connector ID (--file MAP.csv | --from-sign-ins DATE) [--apply]",
		Short: "Let ways in lead to the same accounts when a provider knows its people by other subjects",
		Long: `Let ways in lead to the same accounts when a provider knows its people by other
subjects: it has a new issuer, or the council a new client or sector there. What
apps know residents by stays as it is. Without --apply nothing is changed: it is
only said what would be.

A file comes from the provider. Its first line names its columns: subject and
new_subject, and issuer and new_issuer where the issuer changes or the connector
has several.

With --from-sign-ins those are taken who have since that day signed in by a new
subject, shown that an account is theirs by another way in to it, and not used the
old one since. Whoever has not is left as they are. Nobody is ever found by an
e-mail address.

Conflicts are reported, with their lines, before anything is changed; where there
is one, nothing is. Residents whose ways in get new names read who did it and why.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRegister(cmd, k.dir, func(r *broker.Register, _ *config.Config) error { return k.run(cmd, r) })
		},
	}
	cmd.Flags().StringVar(&k.connector, "connector", "", "id of the connector (required)")
	cmd.Flags().StringVar(&k.file, "file", "", "the provider's list of old and new subjects, as CSV")
	cmd.Flags().StringVar(&k.since, "from-sign-ins", "", "the day on which the provider changed, as 2026-04-01")
	cmd.Flags().BoolVar(&k.apply, "apply", false, "do it")
	cmd.MarkFlagsOneRequired("file", "from-sign-ins")
	cmd.MarkFlagsMutuallyExclusive("file", "from-sign-ins")
	if err := cmd.MarkFlagRequired("connector"); err != nil {
		panic(err) // it was added above
	}
	return k.flags(cmd, "rekey")
}

func (k rekeying) run(cmd *cobra.Command, r *broker.Register) error {
	list, conflicts, err := k.list(cmd, r)
	if err != nil {
		return err
	}
	done, err := r.Rekey(cmd.Context(), k.connector, list, k.lookup, !k.apply || len(conflicts) > 0)
	if err != nil {
		return err
	}
	done.Conflicts = append(conflicts, done.Conflicts...)
	slices.SortStableFunc(done.Conflicts, func(a, b accounts.Conflict) int { return cmp.Compare(a.Line, b.Line) })
	out := cmd.OutOrStdout()
	for _, c := range done.Conflicts {
		_, _ = fmt.Fprintln(out, where(c)+": "+c.Why)
	}
	_, _ = fmt.Fprintf(out, "new subjects: %d\nnew subjects that their owners had linked already: %d\nold subjects that nobody signs in with here: %d\nconflicts: %d\n",
		done.Renamed, done.United, done.Unknown, len(done.Conflicts))
	switch {
	case len(done.Conflicts) > 0:
		return exitError{1}
	case !k.apply:
		_, _ = fmt.Fprintln(out, "Nothing was changed: --apply does it.")
	}
	return nil
}

// where is what a conflict is about.
func where(c accounts.Conflict) string {
	if c.Line > 0 {
		return fmt.Sprintf("line %d", c.Line)
	}
	return "account " + c.Account
}

// list is what is to be renamed, by the file or by sign-ins.
func (k rekeying) list(cmd *cobra.Command, r *broker.Register) ([]accounts.Rename, []accounts.Conflict, error) {
	if k.file == "" {
		since, err := time.ParseInLocation(time.DateOnly, k.since, time.Local)
		if err != nil {
			return nil, nil, fmt.Errorf("--from-sign-ins: %w", err)
		}
		return r.RenamesSince(cmd.Context(), k.connector, since)
	}
	issuers, err := r.Issuers(cmd.Context(), k.connector)
	if err != nil {
		return nil, nil, err
	}
	file, err := os.Open(k.file)
	if err != nil {
		return nil, nil, err
	}
	defer func() { _ = file.Close() }()
	return readRenames(file, issuers)
}

// readRenames reads the provider's list. issuers are those of the people that the
// connector has.
func readRenames(in io.Reader, issuers []string) (list []accounts.Rename, mistakes []accounts.Conflict, err error) {
	r := csv.NewReader(in)
	r.TrimLeadingSpace = true
	head, err := r.Read()
	if err != nil {
		return nil, nil, fmt.Errorf("read the list: %w", err)
	}
	columns, err := newColumns(head, issuers)
	if err != nil {
		return nil, nil, err
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return list, mistakes, nil
		}
		if err != nil && !errors.Is(err, csv.ErrFieldCount) {
			return nil, nil, fmt.Errorf("read the list: %w", err)
		}
		line, _ := r.FieldPos(0)
		if err != nil {
			mistakes = append(mistakes, accounts.Conflict{Line: line, Why: "it has more or fewer columns than the first line"})
			continue
		}
		rename := columns.rename(row)
		if rename.Line = line; !rename.Whole() {
			mistakes = append(mistakes, accounts.Conflict{Line: line, Why: "a column is empty"})
			continue
		}
		list = append(list, rename)
	}
}

// columns is what the columns of a list are, and whose issuer is meant where none says
// so.
type columns struct {
	head   []string
	issuer string
}

func newColumns(head, issuers []string) (columns, error) {
	c := columns{head: head}
	switch {
	case !slices.Contains(head, "subject") || !slices.Contains(head, "new_subject"):
		return c, errors.New("the list's first line names no columns subject and new_subject")
	case slices.Contains(head, "issuer"):
	case len(issuers) == 1:
		c.issuer = issuers[0]
	default:
		return c, fmt.Errorf("the list has no column issuer, and the connector's people are of %s", count(len(issuers), "issuer"))
	}
	return c, nil
}

func (c columns) rename(row []string) (r accounts.Rename) {
	value := func(name, other string) string {
		if i := slices.Index(c.head, name); i >= 0 {
			return row[i]
		}
		return other
	}
	r.Old = accounts.Name{Issuer: value("issuer", c.issuer), Subject: value("subject", "")}
	r.New = accounts.Name{Issuer: value("new_issuer", r.Old.Issuer), Subject: value("new_subject", "")}
	return r
}
