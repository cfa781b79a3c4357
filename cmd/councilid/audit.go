package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/config"
)

func newAudit() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "audit",
		Short: "Look after the chain of what was done to accounts",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(newAuditVerify())
	return cmd
}

func newAuditVerify() *cobra.Command {
	var dir, head string
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Check that nothing in the chain was changed, put in or taken out",
		Long: `Check that nothing in the chain was changed, put in or taken out; the exit status
is 1 where something was.

Whoever may write the whole database can make another chain that is sound by
itself, or cut this one off. With --head that is noticed, too: the file keeps where
the chain ended the last time. Keep it where nobody can write who may write the
database.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return withRegister(cmd, dir, func(r *broker.Register, _ *config.Config) error { return verifyAudit(cmd, r, head) })
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	cmd.Flags().StringVar(&head, "head", "", "file that keeps where the chain ended")
	return cmd
}

func verifyAudit(cmd *cobra.Command, r *broker.Register, file string) error {
	seen, err := readHead(file)
	if err != nil {
		return err
	}
	now, err := r.VerifyAuditSince(cmd.Context(), seen)
	if err != nil {
		return err
	}
	_, _ = fmt.Fprintf(cmd.OutOrStdout(), "%d entries, as they were written\n", now.Seq)
	return writeHead(file, now)
}

// readHead reads where the chain ended; without a file, nobody knows.
func readHead(file string) (h accounts.Head, err error) {
	if file == "" {
		return h, nil
	}
	text, err := os.ReadFile(file)
	if errors.Is(err, fs.ErrNotExist) {
		return h, nil
	}
	if err != nil {
		return h, err
	}
	if _, err := fmt.Sscanf(string(text), "%d %64s\n", &h.Seq, &h.Hash); err != nil {
		return h, fmt.Errorf("%s does not say where the chain ended: %w", file, err)
	}
	return h, nil
}

// writeHead writes it, wholly or not at all.
func writeHead(file string, h accounts.Head) error {
	if file == "" || h.Seq == 0 {
		return nil
	}
	t, err := os.CreateTemp(filepath.Dir(file), ".head-*")
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(t, "%d %s\n", h.Seq, h.Hash)
	if err = errors.Join(err, t.Close()); err == nil {
		err = os.Rename(t.Name(), file)
	}
	if err != nil {
		return errors.Join(err, os.Remove(t.Name()))
	}
	return nil
}
