package test

import (
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
	"github.com/jackc/pgx/v5"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
)

// composition is docker-compose.yml as far as it concerns us.
type composition struct {
	Services map[string]service
	Volumes  map[string]any
}

type service struct {
	Image string
	Build struct{ Context, Dockerfile string }

	Environment map[string]string
	Volumes     []string
	DependsOn   map[string]struct{ Condition string } `yaml:"depends_on"`
	Healthcheck *struct{ Test []string }
}

// readCompose reads docker-compose.yml as docker does with the variables of
// an .env file.
func readCompose(t *testing.T) composition {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, "docker-compose.yml"))
	if err != nil {
		t.Fatal(err)
	}
	filled := regexp.MustCompile(`\$\{([A-Z_]+):\?\}`).ReplaceAllStringFunc(string(text), func(reference string) string {
		if strings.Contains(reference, "MASTER_KEY") {
			return "'" + strings.Repeat("0f", 32) + "'"
		}
		return "of-the-env-file"
	})
	var c composition
	if err := yaml.Unmarshal([]byte(strings.ReplaceAll(filled, "$$", "$")), &c); err != nil {
		t.Fatal(err)
	}
	return c
}

func TestComposedServices(t *testing.T) {
	t.Parallel()
	c := readCompose(t)
	for name, s := range c.Services {
		if s.Healthcheck == nil || len(s.Healthcheck.Test) < 2 {
			t.Errorf("%s has no healthcheck", name)
		}
		if (s.Image == "") == (s.Build.Dockerfile == "") {
			t.Errorf("%s is neither an image nor built", name)
		}
		if dockerfile := filepath.Join(root, s.Build.Context, s.Build.Dockerfile); s.Image == "" && !exists(dockerfile) {
			t.Errorf("%s is built by %s, which is not there", name, dockerfile)
		}
		for other, on := range s.DependsOn {
			if _, ok := c.Services[other]; !ok || on.Condition != "service_healthy" {
				t.Errorf("%s waits for %s to be %q", name, other, on.Condition)
			}
		}
		for _, v := range s.Volumes {
			from, _, _ := strings.Cut(v, ":")
			if _, declared := c.Volumes[from]; !declared && !exists(filepath.Join(root, from)) {
				t.Errorf("%s mounts %s, which is nowhere", name, from)
			}
		}
	}
}

// The folder that is mounted into the broker loads with the broker's own
// environment, and leads to the other services.
func TestComposedConfiguration(t *testing.T) {
	c := readCompose(t)
	broker := c.Services["broker"]
	for name, value := range broker.Environment {
		t.Setenv(name, value)
	}
	folder, _, _ := strings.Cut(broker.Volumes[0], ":")
	cfg, err := config.Load(filepath.Join(root, folder), connectors.Presets())
	if err != nil {
		t.Fatal(err)
	}
	database, err := pgx.ParseConfig(cfg.Broker.Database.Postgres.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	hosts := []string{database.Host}
	for _, address := range cfg.Broker.Redis.Addresses {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, host)
	}
	for _, host := range hosts {
		if _, ok := c.Services[host]; !ok {
			t.Errorf("the broker calls %s, and the services are %v", host, slices.Sorted(maps.Keys(c.Services)))
		}
	}
	postgres := c.Services["postgres"].Environment
	if database.User != postgres["POSTGRES_USER"] || database.Database != postgres["POSTGRES_DB"] || database.Password != postgres["POSTGRES_PASSWORD"] {
		t.Errorf("the broker enters as %s, database %s, and PostgreSQL expects %v", database.User, database.Database, postgres)
	}
	if cfg.Broker.Redis.Password.Reveal() != c.Services["redis"].Environment["REDIS_PASSWORD"] {
		t.Error("the broker and Redis have two passwords")
	}
	if issuer, err := url.Parse(cfg.Broker.Issuer); err != nil || !strings.HasSuffix(cfg.Broker.Listen, ":"+issuer.Port()) {
		t.Errorf("the broker listens on %s, and is known as %s", cfg.Broker.Listen, cfg.Broker.Issuer)
	}
}

func exists(file string) bool {
	_, err := os.Stat(file)
	return err == nil
}
