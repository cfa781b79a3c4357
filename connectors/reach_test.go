package connectors

import (
	"net/netip"
	"testing"
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
