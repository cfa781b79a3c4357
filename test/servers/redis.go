package servers

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// RedisServer is a Redis that keeps nothing on disk.
type RedisServer struct {
	process
	Addr string // host:port
}

// Redis starts a Redis and returns its address.
func Redis(tb testing.TB) string {
	tb.Helper()
	return StartRedis(tb).Addr
}

// StartRedis starts a Redis that the test may stop and start again.
func StartRedis(tb testing.TB) *RedisServer {
	tb.Helper()
	return startRedis(tb, Program(tb, "redis", "redis-server"))
}

// RedisCluster starts a Cluster of three and returns its addresses.
func RedisCluster(tb testing.TB) []string {
	tb.Helper()
	server, cli := Program(tb, "cluster", "redis-server"), Program(tb, "cluster", "redis-cli")
	var addrs []string
	for range 3 {
		node := startRedis(tb, server, "--cluster-enabled", "yes", "--cluster-port", port(Free(tb, "127.0.0.1")), "--cluster-node-timeout", "2000")
		addrs = append(addrs, node.Addr)
	}
	create := append([]string{"--cluster", "create"}, addrs...)
	if out, err := exec.Command(cli, append(create, "--cluster-yes")...).CombinedOutput(); err != nil {
		tb.Fatalf("create the cluster: %v\n%s", err, out)
	}
	for _, addr := range addrs {
		if err := await(func() error { return ask(addr, "CLUSTER INFO", "cluster_state:ok") }); err != nil {
			tb.Fatalf("cluster node %s: %v", addr, err)
		}
	}
	return addrs
}

// RedisSentinel starts a master, its replica and a sentinel that watches them
// under the name councilid, and returns the sentinel's address and the master.
func RedisSentinel(tb testing.TB) (addr string, master *RedisServer) {
	tb.Helper()
	program := Program(tb, "redis", "redis-server")
	master = startRedis(tb, program)
	startRedis(tb, program, "--replicaof", "127.0.0.1", port(master.Addr))
	conf := filepath.Join(tb.TempDir(), "sentinel.conf") // sentinels write to it
	rules := fmt.Sprintf("sentinel monitor councilid 127.0.0.1 %s 1\n"+
		"sentinel down-after-milliseconds councilid 500\nsentinel failover-timeout councilid 2000\n", port(master.Addr))
	if err := os.WriteFile(conf, []byte(rules), 0o600); err != nil {
		tb.Fatal(err)
	}
	sentinel := startRedis(tb, program, conf, "--sentinel")
	if err := await(func() error { return ask(sentinel.Addr, "INFO sentinel", "slaves=1") }); err != nil {
		tb.Fatalf("the sentinel sees no replica: %v", err)
	}
	return sentinel.Addr, master
}

func startRedis(tb testing.TB, program string, args ...string) *RedisServer {
	tb.Helper()
	dir, err := folder(nil)
	if err != nil {
		tb.Fatal(err)
	}
	addr := Free(tb, "127.0.0.1")
	s := &RedisServer{Addr: addr, process: process{
		folder: dir,
		args:   append(append([]string{program}, args...), "--bind", "127.0.0.1", "--port", port(addr), "--dir", dir, "--save", ""),
		ready:  func() error { return ask(addr, "PING", "PONG") },
	}}
	s.Start(tb)
	tb.Cleanup(s.end)
	return s
}

// ask sends a command and looks for want in the first kilobyte of the answer.
func ask(addr, command, want string) error {
	c, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return err
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprintf(c, "%s\r\n", command); err != nil {
		return err
	}
	answer := make([]byte, 1024)
	n, err := bufio.NewReader(c).Read(answer)
	if err == nil && !strings.Contains(string(answer[:n]), want) {
		return errors.New(string(answer[:n]))
	}
	return err
}

func port(addr string) string {
	_, p, _ := net.SplitHostPort(addr)
	return p
}
