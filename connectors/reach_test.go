package connectors

import (
	"errors"
	"net/netip"
	"net/url"
	"testing"

	"github.com/councilid/councilid/config"
)

func TestPublic(t *testing.T) {
	for address, want := range map[string]bool{
		"8.8.8.8":              true,
		"151.101.1.140":        true,
		"172.32.0.1":           true,
		"2606:4700:4700::1111": true,
		"2a00:1450:4009::200e": true,

		"0.0.0.0":                false,
		"0.1.2.3":                false,
		"10.0.0.1":               false,
		"100.64.0.1":             false,
		"100.100.100.200":        false, // metadata of Alibaba Cloud
		"127.0.0.1":              false,
		"127.8.8.8":              false,
		"168.63.129.16":          false,
		"169.254.169.254":        false, // metadata of most clouds
		"172.16.0.1":             false,
		"192.0.0.192":            false, // metadata of Oracle Cloud
		"192.168.1.1":            false,
		"198.18.0.1":             false,
		"203.0.113.9":            false,
		"224.0.0.1":              false,
		"240.0.0.1":              false,
		"255.255.255.255":        false,
		"::":                     false,
		"::1":                    false,
		"::ffff:127.0.0.1":       false,
		"::ffff:169.254.169.254": false,
		"::7f00:1":               false,
		"64:ff9b::a00:1":         false,
		"2001:db8::1":            false,
		"2001:0:4136:e378::1":    false,
		"2002:a00:1::1":          false,
		"fc00::1":                false,
		"fd00:ec2::254":          false, // metadata of AWS
		"fe80::1":                false,
		"fec0::1":                false,
		"ff02::1":                false,
	} {
		if got := public(netip.MustParseAddr(address)); got != want {
			t.Errorf("public(%s) is %t", address, got)
		}
	}
}

// Nothing but the address itself, written by the operator, leads to where a
// cloud gives out the machine's credentials: no name, and no allow_private.
func TestForbidden(t *testing.T) {
	for _, c := range []struct {
		written, host string
		forbidden     bool
	}{
		{"", "169.254.169.254", true},
		{"", "169.254.1.1", true},
		{"", "::ffff:169.254.169.254", true},
		{"", "64:ff9b::a9fe:a9fe", true},
		{"", "fe80::1", true},
		{"", "fe80::1%eth0", true},
		{"", "febf::1", true},
		{"", "fd00:ec2::254", true},
		{"", "fd00:ec2::254%eth0", true},
		{"", "fd20:ce::254", true},
		{"", "fd00:c1::a9fe:a9fe", true},
		{"", "100.100.100.200", true},
		{"", "168.63.129.16", true},
		{"", "192.0.0.192", true},
		{"http://metadata.google.internal/", "169.254.169.254", true},
		{"http://169.254.1.1/", "169.254.169.254", true},
		{"http://169.254.169.254:81/", "169.254.169.254", true},
		{"http://169.254.169.254/", "169.254.169.254", false},
		{"http://[fd00:ec2::254]/", "fd00:ec2::254", false},
		{"", "10.0.0.1", false},
		{"", "127.0.0.1", false},
		{"", "fd00::1", false},
		{"", "64:ff9b::a00:1", false},
		{"", "8.8.8.8", false},
	} {
		r, err := newReach(config.Network{AllowPrivate: true}, []string{c.written})
		if err != nil {
			t.Fatal(err)
		}
		u := &url.URL{Scheme: "http", Host: "[" + c.host + "]"}
		for how, err := range map[string]error{
			"dialled":         r.open.Control("tcp", hostport(u), nil),
			"through a proxy": r.throughProxy(u),
		} {
			if errors.Is(err, errForbidden) != c.forbidden || !c.forbidden && err != nil {
				t.Errorf("%s %s, with %q written: %v", c.host, how, c.written, err)
			}
		}
	}
}
