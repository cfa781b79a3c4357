package main

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

func newReady() *cobra.Command {
	var admin string
	cmd := &cobra.Command{
		Use:   "ready",
		Short: "Ask a running broker whether it can serve logins",
		Long:  "Ask a running broker whether it can serve logins; exits 1 and names what is missing when it cannot.",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return ready(cmd.OutOrStdout(), strings.TrimSuffix(admin, "/")+"/readyz")
		},
	}
	cmd.Flags().StringVar(&admin, "admin", "http://127.0.0.1:9443", "address of the broker's admin listener")
	return cmd
}

func ready(out io.Writer, address string) error {
	client := http.Client{Timeout: 3 * time.Second}
	answer, err := client.Get(address)
	if err != nil {
		return err
	}
	defer func() { _ = answer.Body.Close() }()
	if _, err := io.Copy(out, io.LimitReader(answer.Body, 64<<10)); err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("not ready: %s", answer.Status)
	}
	return nil
}
