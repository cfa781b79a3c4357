package idp

import (
	"context"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// maxMetadata bounds a document that is fetched: the aggregate of a federation.
const maxMetadata = 16 << 20

// introduce makes an app known by its entityID and its metadata.
func (s *Server) introduce(a *app) (err error) {
	m := a.saml.Metadata
	// Addresses that the operator wrote, or whose document is signed by whom
	// the operator named, may be of the council's own network. Others must be
	// public, or on the host that the document comes from: a stranger's document
	// must not make the broker call the machines around it.
	network := config.Network{Timeout: a.saml.Logout.Timeout, AllowPrivate: m.URL == "" || m.Signer != ""}
	if a.outbound, err = s.outbound(a, network); err != nil {
		return err
	}
	var signer []*x509.Certificate
	if m.Signer != "" {
		if signer, err = readCertificates(m.Signer); err != nil {
			return fmt.Errorf("metadata.signer: %w", err)
		}
	}
	switch {
	case a.saml.Manual != nil:
		err = s.describe(a, *a.saml.Manual)
	case m.URL != "":
		err = s.watch(a, m, signer)
	default:
		err = s.read(a, m, signer)
	}
	if err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	return nil
}

// outbound calls the app, and where its metadata is.
func (s *Server) outbound(a *app, n config.Network) (*connectors.Outbound, error) {
	return connectors.OpenOutbound(a.ID, n, []string{a.saml.Metadata.URL}, connectors.Options{
		Log: s.Log.With("app", a.ID), Now: s.Now, Observe: s.Observe,
	})
}

// watch has the metadata fetched when it is first needed, and again and again.
func (s *Server) watch(a *app, m config.Metadata, signer []*x509.Certificate) error {
	client, err := s.outbound(a, config.Network{Attempts: 3})
	if err != nil {
		return err
	}
	watched, err := metadata.Watch(metadata.Source{
		Role: metadata.ServiceProvider, EntityID: m.EntityID, Signer: signer,
		Fetch:   func(ctx context.Context) ([]byte, error) { return client.Get(ctx, "metadata", m.URL, maxMetadata) },
		Refresh: m.Refresh, KeepLastGood: m.KeepLastGood, Now: s.Now, Log: s.Log.With("app", a.ID),
	})
	if err != nil {
		return err
	}
	a.entityID, a.entity = m.EntityID, watched.Get
	return nil
}

// read reads metadata that is at hand. A mistake in it is the operator's to
// mend now. That it has expired, or will, is for this app's residents alone to
// wait for: the broker has to start all the same.
func (s *Server) read(a *app, m config.Metadata, signer []*x509.Certificate) error {
	raw := []byte(m.Inline)
	if m.File != "" {
		var err error
		if raw, err = os.ReadFile(m.File); err != nil {
			return err
		}
	}
	e, err := metadata.Parse(raw, metadata.ServiceProvider, m.EntityID, signer, time.Time{})
	if err != nil {
		return err
	}
	return s.settle(a, e)
}

// describe makes what metadata would say of an app that has none.
func (s *Server) describe(a *app, m config.ManualSP) error {
	e := &metadata.Entity{ID: m.EntityID}
	for i, acs := range m.ACS {
		e.ACS = append(e.ACS, metadata.Endpoint{Binding: binding.POST, Location: acs, Index: i, Default: i == 0})
	}
	if m.SLO != "" {
		e.SLO = append(e.SLO, metadata.Endpoint{Binding: binding.Redirect, Location: m.SLO})
	}
	if m.SLOSOAP != "" {
		e.SLO = append(e.SLO, metadata.Endpoint{Binding: binding.SOAP, Location: m.SLOSOAP})
	}
	if m.Certificate != "" {
		var err error
		if e.Signing, err = readCertificates(m.Certificate); err != nil {
			return err
		}
		e.Encryption = slices.DeleteFunc(slices.Clone(e.Signing), func(c *x509.Certificate) bool {
			_, ok := c.PublicKey.(*rsa.PublicKey)
			return !ok
		})
	}
	return s.settle(a, e)
}

// settle takes e for what the app's metadata says, until it expires.
func (s *Server) settle(a *app, e *metadata.Entity) error {
	if _, err := consumer(e, "", nil, ""); err != nil {
		return err
	}
	if a.saml.Encrypt == "always" && len(e.Encryption) == 0 {
		return errNoEncryptionKey
	}
	a.entityID = e.ID
	a.entity = func(context.Context) (*metadata.Entity, error) {
		if !e.ValidUntil.IsZero() && !s.Now().Before(e.ValidUntil) {
			return nil, fmt.Errorf("it was valid until %s", e.ValidUntil)
		}
		return e, nil
	}
	return nil
}

// readCertificates reads a PEM file of certificates.
func readCertificates(file string) ([]*x509.Certificate, error) {
	rest, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var all []*x509.Certificate
	for {
		var block *pem.Block
		if block, rest = pem.Decode(rest); block == nil {
			break
		}
		c, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		all = append(all, c)
	}
	if len(all) == 0 {
		return nil, errors.New(file + " holds no certificate")
	}
	return all, nil
}
