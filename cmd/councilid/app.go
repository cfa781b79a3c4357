package main

import (
	"github.com/spf13/cobra"
)

func newApp() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "app",
		Short: "Register apps in a configuration folder",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	add := &cobra.Command{
		Use:   "add",
		Short: "Write the file of another app",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	add.AddCommand(newAppAddSAML())
	cmd.AddCommand(add)
	return cmd
}

func newAppAddSAML() *cobra.Command {
	var a addition
	var dir string
	cmd := &cobra.Command{
		Use:   "saml METADATA",
		Short: "Write the file of an app that speaks SAML, from the app's metadata",
		Long: `Write the file of an app that speaks SAML, from the app's metadata: a file, or an
https address that is fetched once.

What is written is apps/ID.yaml, ready to use and to be read through, and a copy of
the metadata beside it. Nothing is ever overwritten. What the app's people need to
set on their side is printed, and then what councilid check says.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.run(cmd, dir, args[0])
		},
	}
	cmd.Flags().StringVar(&dir, "config", ".", "folder with broker.yaml, connectors and apps")
	cmd.Flags().StringVar(&a.id, "id", "", "id of the app; default: the first part of its host's name")
	cmd.Flags().StringVar(&a.label, "label", "", "the service's name as residents know it; default: as the metadata says")
	cmd.Flags().StringVar(&a.entityID, "entity-id", "", "whose metadata it is, where it describes several")
	return cmd
}
