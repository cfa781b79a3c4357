package servers

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

func TestRedisStopsAndStarts(t *testing.T) {
	s := StartRedis(t)
	s.Stop(t)
	if err := s.ready(); err == nil {
		t.Fatal("stopped, but it answers")
	}
	s.Start(t)
	if err := s.ready(); err != nil {
		t.Fatal(err)
	}
}

func TestPostgresStopsAndStarts(t *testing.T) {
	s := StartPostgres(t)
	s.Database(t)
	s.Stop(t)
	if err := s.ready(); err == nil {
		t.Fatal("stopped, but it answers")
	}
	s.Start(t)
	s.Database(t)
}

func TestFolderGoesWithTheTest(t *testing.T) {
	var dir string
	t.Run("server", func(t *testing.T) { dir = StartRedis(t).folder })
	if dir == "" {
		t.Skip("no server was started")
	}
	if _, err := os.Stat(dir); !errors.Is(err, os.ErrNotExist) {
		t.Fatalf("%s is still there: %v", dir, err)
	}
}

// A test that panics or runs out of time cleans nothing up.
func TestServerEndsWithTheProcess(t *testing.T) {
	if os.Getenv("ABANDON") != "" {
		fmt.Println(StartRedis(t).folder)
		os.Exit(0)
	}
	Program(t, "redis", "redis-server")
	cmd := exec.Command(os.Args[0], "-test.run=^TestServerEndsWithTheProcess$")
	cmd.Env = append(os.Environ(), "ABANDON=yes")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	err = await(func() error {
		if _, err := os.Stat(strings.TrimSpace(string(out))); !errors.Is(err, os.ErrNotExist) {
			return errors.New("the server's folder is still there")
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
