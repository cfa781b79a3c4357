package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// addition is an app to be added to a folder.
type addition struct{ id, label, entityID string }

// run writes the app's files, says what the other side needs, and checks the
// folder.
func (a addition) run(cmd *cobra.Command, dir, source string) error {
	cfg, err := config.Load(dir, connectors.Presets())
	if err != nil {
		return fmt.Errorf("the folder has to be sound before an app is added:\n%w", err)
	}
	raw, err := readSource(cmd.Context(), source)
	if err != nil {
		return err
	}
	sp, err := metadata.Parse(raw, metadata.ServiceProvider, a.entityID, nil, time.Now())
	if err != nil {
		return fmt.Errorf("%s: %w", source, err)
	}
	if a.id == "" {
		a.id = idOf(sp)
	}
	if err := a.free(cfg, sp.ID); err != nil {
		return err
	}
	text, err := a.draft(cfg, sp, source).yaml()
	if err != nil {
		return err
	}
	if err := a.write(dir, text, raw); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	if err := a.handOver(cmd, cfg, sp); err != nil {
		return err
	}
	return check(dir, time.Now(), out)
}

// readSource reads metadata from a file or an address.
func readSource(ctx context.Context, source string) ([]byte, error) {
	u, err := url.Parse(source)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" {
		return os.ReadFile(source)
	}
	if err := secured(u); err != nil {
		return nil, err
	}
	client := http.Client{
		Timeout:       20 * time.Second,
		CheckRedirect: func(r *http.Request, _ []*http.Request) error { return secured(r.URL) },
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, source, nil)
	if err != nil {
		return nil, err
	}
	answer, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = answer.Body.Close() }()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s answers %s", source, answer.Status)
	}
	const most = 16 << 20
	raw, err := io.ReadAll(io.LimitReader(answer.Body, most+1))
	if len(raw) > most {
		return nil, fmt.Errorf("%s is longer than 16 MiB", source)
	}
	return raw, err
}

// secured refuses an address at which anybody on the way could answer.
func secured(u *url.URL) error {
	local := u.Hostname() == "localhost" || u.Hostname() == "127.0.0.1" || u.Hostname() == "::1"
	if u.Scheme != "https" && !local {
		return fmt.Errorf("%s is not https: whoever is on the way could write the metadata", u)
	}
	return nil
}

// idOf makes an id of the app's host: planning of planning.example.gov.uk.
func idOf(sp *metadata.Entity) string {
	for _, address := range append([]string{sp.ID}, locations(sp.ACS)...) {
		if u, err := url.Parse(address); err == nil && strings.Contains(u.Hostname(), ".") {
			first, _, _ := strings.Cut(strings.TrimPrefix(strings.ToLower(u.Hostname()), "www."), ".")
			return first
		}
	}
	return "app"
}

func locations(endpoints []metadata.Endpoint) []string {
	all := make([]string, len(endpoints))
	for i, e := range endpoints {
		all[i] = e.Location
	}
	return all
}

var plainID = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)

// free reports whether the app and its id are new.
func (a addition) free(cfg *config.Config, entityID string) error {
	if !plainID.MatchString(a.id) {
		return fmt.Errorf("%q cannot be an id, which has lower-case letters, digits and hyphens: choose another with --id", a.id)
	}
	for _, app := range cfg.Apps {
		if app.SAML != nil && app.SAML.EntityID() == entityID {
			return fmt.Errorf("%s is registered already, in %s", entityID, filepath.Join("apps", app.ID+".yaml"))
		}
	}
	for _, name := range a.files() {
		if _, err := os.Lstat(filepath.Join(cfg.Dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("there is %s already: choose another id with --id", name)
		}
	}
	return nil
}

// files are the app's files within the folder: its own and its metadata's.
func (a addition) files() [2]string {
	return [2]string{filepath.Join("apps", a.id+".yaml"), filepath.Join("apps", a.id+".xml")}
}

// write writes the app's files, the metadata first, and overwrites none.
func (a addition) write(dir string, text, raw []byte) error {
	names := a.files()
	if err := os.MkdirAll(filepath.Join(dir, "apps"), 0o755); err != nil {
		return err
	}
	if err := create(filepath.Join(dir, names[1]), raw); err != nil {
		return err
	}
	return create(filepath.Join(dir, names[0]), text)
}

func create(name string, text []byte) error {
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Close())
}
