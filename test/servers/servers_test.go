package servers

import (
	"errors"
	"os"
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
