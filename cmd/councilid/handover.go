package main

import (
	"crypto/sha256"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"text/tabwriter"
	"text/template"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/broker"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// handover is what the people of an app need to know of the broker.
type handover struct {
	App      string // its entityID
	EntityID string // the broker's
	Metadata string // address of the broker's
}

// handOver prints what was written and what the other side has to set.
func (a addition) handOver(cmd *cobra.Command, cfg *config.Config, sp *metadata.Entity) error {
	out, issuer := cmd.OutOrStdout(), cfg.Broker.Issuer
	names := a.files()
	_, _ = fmt.Fprintf(out, "Wrote %s and %s for %s\n\nIts people need the broker's metadata, or what it says:\n\n", names[0], names[1], sp.ID)
	h := handover{App: sp.ID, EntityID: cfg.Broker.SAML.EntityID, Metadata: issuer + "/saml/metadata"}
	t := tabwriter.NewWriter(out, 0, 0, 3, ' ', 0)
	for _, row := range [][2]string{
		{"metadata", h.Metadata},
		{"entityID", h.EntityID},
		{"sign-in (SSO)", issuer + "/saml/sso by HTTP-Redirect or HTTP-POST"},
		{"sign-out (SLO)", issuer + "/saml/slo by HTTP-Redirect or HTTP-POST"},
		{"", issuer + "/saml/soap by SOAP"},
		{"certificate", certificateOf(cmd, cfg)},
		{"NameID", strings.Join(formatsOf(sp), " or ")},
	} {
		_, _ = fmt.Fprintf(t, "  %s\t%s\n", row[0], row[1])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	advice, name := `Most software takes the address of the metadata, or the document. Where it asks for
single values: issuer or identifier is the entityID, login URL the address for
sign-in, logout URL the one for sign-out.`, ""
	if p := guess(sp); p != nil {
		advice, name = p.advice, "By its addresses it is "+p.name+".\n"
	}
	_, _ = fmt.Fprintf(out, "\n%s", name)
	text, err := template.New("advice").Parse(advice + "\n\n")
	if err != nil {
		return err
	}
	return text.Execute(out, h)
}

// certificateOf says how to recognise the certificate that signs. It is in the
// database, which need not be where the file is written.
func certificateOf(cmd *cobra.Command, cfg *config.Config) string {
	found := "in the metadata"
	err := withKeyring(cmd, cfg, func(k *broker.Keyring) error {
		found = fingerprint(k.SAML()[0].Certificate)
		return nil
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		found += fmt.Sprintf(" (%v)", err)
	}
	return found
}

// fingerprint is the SHA-256 of a certificate as OpenSSL writes it.
func fingerprint(c *x509.Certificate) string {
	sum := sha256.Sum256(c.Raw)
	return fmt.Sprintf("SHA-256 %s, until %s", strings.ReplaceAll(fmt.Sprintf("% X", sum), " ", ":"), c.NotAfter.UTC().Format(time.DateOnly))
}
