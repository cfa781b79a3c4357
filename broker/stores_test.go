package broker

import (
	"encoding/hex"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/councilid/councilid/config"
)

func TestRedisOptions(t *testing.T) {
	got, err := redisOptions(&config.Redis{
		Addresses: []string{"a:1", "b:2"}, Mode: "sentinel", Master: "councilid", Username: "broker",
		Password: config.NewSecret("secret"), SentinelPassword: config.NewSecret("other"), Database: 3,
	})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(got.Addrs, " ") != "a:1 b:2" || got.MasterName != "councilid" || got.IsClusterMode || got.DB != 3 ||
		got.Username != "broker" || got.Password != "secret" || got.SentinelPassword != "other" || got.TLSConfig != nil {
		t.Errorf("options are %+v", got)
	}

	got, err = redisOptions(&config.Redis{Addresses: []string{"a:1"}, Mode: "cluster", TLS: &config.ClientTLS{}})
	if err != nil {
		t.Fatal(err)
	}
	// One address alone would be taken for a single server.
	if !got.IsClusterMode || got.TLSConfig == nil || got.TLSConfig.InsecureSkipVerify {
		t.Errorf("options are %+v", got)
	}

	empty := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(empty, []byte("no certificate"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := redisOptions(&config.Redis{TLS: &config.ClientTLS{CA: empty}}); err == nil {
		t.Error("a file without certificates was taken for authorities")
	}
}

func TestMasterKeyIsMadeOnce(t *testing.T) {
	cfg := &config.Config{Broker: config.Broker{DataDir: filepath.Join(t.TempDir(), "data")}}
	log := slog.New(slog.NewTextHandler(io.Discard, nil))
	first, err := masterKey(cfg, log)
	if err != nil || len(first) != 32 {
		t.Fatalf("key of %d bytes, %v", len(first), err)
	}
	again, err := masterKey(cfg, log)
	if err != nil || hex.EncodeToString(again) != hex.EncodeToString(first) {
		t.Errorf("the second start has another key, %v", err)
	}
	file := filepath.Join(cfg.Broker.DataDir, "master.key")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file is %v, %v", info.Mode(), err)
	}

	// Edited by hand: a line's end does no harm, and rubbish is not replaced.
	if err := os.WriteFile(file, []byte(hex.EncodeToString(first)+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := masterKey(cfg, log); err != nil {
		t.Error(err)
	}
	if err := os.WriteFile(file, []byte("rubbish"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := masterKey(cfg, log); err == nil || !strings.Contains(err.Error(), "64 hexadecimal digits") {
		t.Errorf("rubbish gave %v", err)
	}
}
