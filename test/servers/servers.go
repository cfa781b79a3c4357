// Package servers starts real servers for tests: Redis, Redis Cluster,
// PostgreSQL and whatever else [Run] is given, each on its own, in a folder of
// its own, gone with the test.
//
// A machine without the programs skips the tests that ask for them, unless the
// environment variable COUNCILID_TEST_REQUIRE names what must be there: redis,
// cluster, postgres, chromium, node, xmlsec1, shibboleth, mellon or
// simplesamlphp, with commas between.
package servers

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Program returns the path of a program that belongs to what. Where there is
// none the test is skipped, or fails if COUNCILID_TEST_REQUIRE names what.
func Program(tb testing.TB, what, name string) string {
	tb.Helper()
	path, err := find(name)
	if err == nil {
		return path
	}
	Missing(tb, what, err.Error())
	return ""
}

// Missing skips the test since there is no what here, or fails it if
// COUNCILID_TEST_REQUIRE names what.
func Missing(tb testing.TB, what, why string) {
	tb.Helper()
	if slices.Contains(strings.Split(os.Getenv("COUNCILID_TEST_REQUIRE"), ","), what) {
		tb.Fatalf("COUNCILID_TEST_REQUIRE names %s, but %s", what, why)
	}
	tb.Skipf("no %s here: %s", what, why)
}

// find looks in PATH, where Debian keeps daemons, which is not in everybody's
// PATH, and where it keeps PostgreSQL's programs, the newest version first.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	if path, err := exec.LookPath("/usr/sbin/" + name); err == nil {
		return path, nil
	}
	versions, _ := filepath.Glob("/usr/lib/postgresql/*/bin/" + name)
	if len(versions) == 0 {
		return "", err
	}
	return slices.MaxFunc(versions, func(a, b string) int {
		if len(a) != len(b) { // 9 is older than 15
			return len(a) - len(b)
		}
		return strings.Compare(a, b)
	}), nil
}
