package servers

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// Run starts a server that has no type of its own here and waits until ready
// has no error. It ends with the test, which shows what the server said should
// it fail: what it printed, and the files NAME.log of its folder.
func Run(tb testing.TB, folder string, environment []string, ready func() error, args ...string) {
	tb.Helper()
	owner, err := account(unprivileged)
	if err != nil {
		tb.Fatal(err)
	}
	p := &process{folder: folder, environment: environment, args: args, user: owner, ready: ready}
	tb.Cleanup(func() {
		logs := p.logs() // which go with the folder
		p.end()
		if tb.Failed() {
			tb.Logf("%s:\n%s%s", filepath.Base(args[0]), logs, end(p.log.String()))
		}
	})
	p.Start(tb)
}

// unprivileged is who runs servers that mistrust root. Every Debian has it.
const unprivileged = "www-data"

// Folder makes a folder for a server that [Run] will start, which removes it.
func Folder(tb testing.TB) string {
	tb.Helper()
	owner, err := account(unprivileged)
	if err != nil {
		tb.Fatal(err)
	}
	dir, err := folder(owner)
	if err != nil {
		tb.Fatal(err)
	}
	return dir
}

// Free returns an address of a host on loopback that nobody listens on. Its port is
// below those that systems give to whoever asks for any: one of these might be some
// client's, or another server's, before the server that it is for has it.
func Free(tb testing.TB, host string) string {
	tb.Helper()
	const lowest, ephemeral = 10000, 32768 // Linux's net.ipv4.ip_local_port_range begins there
	for range 100 {
		l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(lowest+rand.N(ephemeral-lowest))))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
	tb.Fatalf("no free port at %s", host)
	return ""
}

// Listening returns what is ready once somebody listens at addr.
func Listening(addr string) func() error {
	return func() error {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			return err
		}
		return c.Close()
	}
}

// logs are the ends of the server's log files.
func (p *process) logs() string {
	files, _ := filepath.Glob(filepath.Join(p.folder, "*.log"))
	var text strings.Builder
	for _, file := range files {
		if log, err := os.ReadFile(file); err == nil && len(log) > 0 {
			fmt.Fprintf(&text, "-- %s\n%s\n", filepath.Base(file), end(string(log)))
		}
	}
	return text.String()
}

// end is the end of a log: who reads of a failure wants to see the others, too.
func end(log string) string {
	const enough = 4 << 10
	return log[max(0, len(log)-enough):]
}

// account is the named account for whoever may change to it, which is root;
// nil for everybody else.
func account(name string) (*syscall.Credential, error) {
	if os.Getuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup(name)
	if err != nil {
		return nil, err
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return nil, err
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, nil
}

// folder makes a folder that user may use. A test's own TempDir lies in one
// that only the test's user may enter.
func folder(user *syscall.Credential) (string, error) {
	dir, err := os.MkdirTemp("", "councilid-test-")
	if err != nil || user == nil {
		return dir, err
	}
	return dir, os.Chown(dir, int(user.Uid), int(user.Gid))
}
