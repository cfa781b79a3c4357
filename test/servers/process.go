package servers

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

// leash runs a server and ends it when its own input ends: when the test
// closes it, and when the test process is gone, however it went. The folder
// goes too. A line of input ends the server alone. Apache ends by a signal to
// its whole process group, which the leash outlives.
const leash = `"$@" & server=$!; trap '' TERM
if read -r _; then again=yes; fi
kill -INT $server; wait $server; status=$?
[ "$again" ] || rm -rf "$FOLDER"
echo "ended with status $status"`

// process is a server that can be stopped and started again.
type process struct {
	folder      string
	environment []string // besides the test's own
	args        []string
	user        *syscall.Credential // nil: who runs the test
	ready       func() error

	cmd   *exec.Cmd
	input io.WriteCloser
	log   strings.Builder
}

// start runs the server and waits until it is ready.
func (p *process) start() error {
	p.cmd = exec.Command("/bin/sh", append([]string{"-c", leash, "leash"}, p.args...)...)
	p.cmd.Dir = p.folder
	p.cmd.Env = append(append(os.Environ(), p.environment...), "FOLDER="+p.folder)
	p.cmd.Stdout, p.cmd.Stderr = &p.log, &p.log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.user, Setpgid: true}
	var err error
	if p.input, err = p.cmd.StdinPipe(); err != nil {
		return err
	}
	if err := p.cmd.Start(); err != nil {
		return err
	}
	if err := await(p.ready); err != nil {
		p.end()
		return fmt.Errorf("%s is not ready: %w\n%s", p.args[0], err, p.log.String())
	}
	return nil
}

// await tries until ready has no error, for half a minute.
func await(ready func() error) error {
	err := ready()
	for end := time.Now().Add(30 * time.Second); err != nil && time.Now().Before(end); err = ready() {
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

// end ends the server and removes its folder.
func (p *process) end() {
	p.input.Close()
	p.cmd.Wait()
	os.RemoveAll(p.folder) // the leash leaves it when the server was stopped already
}

// Stop ends the server as an operator would. What it keeps on disk stays.
func (p *process) Stop(tb testing.TB) {
	tb.Helper()
	if _, err := io.WriteString(p.input, "stop\n"); err != nil {
		tb.Fatal(err)
	}
	p.cmd.Wait()
}

// Start runs the server again, at the same address.
func (p *process) Start(tb testing.TB) {
	tb.Helper()
	if err := p.start(); err != nil {
		tb.Fatal(err)
	}
}
