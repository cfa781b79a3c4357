// Command councilid is a sign-in broker for local government: it stands
// between a council's applications and the identity providers of its residents.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"
)

func main() { os.Exit(execute(os.Args[1:], os.Stdout, os.Stderr)) }

// exitError ends the program with an exit status when all that there is to
// say has been said.
type exitError struct{ code int }

func (e exitError) Error() string { return fmt.Sprintf("exit status %d", e.code) }

// execute runs one command and returns the exit status: 0 done, 1 failed,
// 2 called wrongly.
func execute(args []string, stdout, stderr io.Writer) int {
	running := false
	root := newRoot()
	root.PersistentPreRunE = func(cmd *cobra.Command, _ []string) error {
		err := errors.Join(cmd.ValidateRequiredFlags(), cmd.ValidateFlagGroups()) // which cobra does after this
		running = err == nil
		return err
	}
	root.SetArgs(args)
	root.SetOut(stdout)
	root.SetErr(stderr)
	cmd, err := root.ExecuteC()
	if err == nil {
		return 0
	}
	if e, ok := errors.AsType[exitError](err); ok {
		return e.code
	}
	_, _ = fmt.Fprintf(stderr, "councilid: %v\n", err)
	if running {
		return 1
	}
	_, _ = fmt.Fprintf(stderr, "See %s --help.\n", cmd.CommandPath())
	return 2
}

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:           "councilid",
		Short:         "One sign-in for everything a council runs",
		SilenceErrors: true, // execute prints them
		SilenceUsage:  true,
	}
	root.AddCommand(newServe(), newCheck(), newApp(), newPreset(), newKeys(),
		newAccount(), newExplain(), newRekey(), newAudit(), newReady(), newDemo())
	return root
}
