package web_test

import (
	"net/http/httptest"
	"net/netip"
	"testing"

	"github.com/councilid/councilid/broker/web"
)

func TestAddress(t *testing.T) {
	trusted := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	for _, tt := range []struct {
		name, remote string
		forwarded    []string
		want         string
	}{
		{"no proxy", "192.0.2.1:4711", nil, "192.0.2.1"},
		{"header from somebody who is no proxy", "192.0.2.1:4711", []string{"203.0.113.9"}, "192.0.2.1"},
		{"one proxy", "10.1.1.1:4711", []string{"203.0.113.9"}, "203.0.113.9"},
		{"two proxies", "10.1.1.1:4711", []string{"203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"two proxies, two lines", "10.1.1.1:4711", []string{"203.0.113.9", "10.2.2.2"}, "203.0.113.9"},
		{"spoofed on the left", "10.1.1.1:4711", []string{"1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		{"spoofed as a proxy on the left", "10.1.1.1:4711", []string{"10.9.9.9, 203.0.113.9"}, "203.0.113.9"},
		{"spoofed in a line of its own", "10.1.1.1:4711", []string{"1.1.1.1", "203.0.113.9, 10.2.2.2"}, "203.0.113.9"},
		{"only proxies", "10.1.1.1:4711", []string{"10.3.3.3, 10.2.2.2"}, "10.3.3.3"},
		{"proxy without the header", "10.1.1.1:4711", nil, "10.1.1.1"},
		{"rubbish from the client", "10.1.1.1:4711", []string{"<script>, 203.0.113.9"}, "203.0.113.9"},
		{"rubbish from the proxy", "10.1.1.1:4711", []string{"203.0.113.9, unknown"}, "10.1.1.1"},
		{"address with a port", "10.1.1.1:4711", []string{"203.0.113.9:1234"}, "203.0.113.9"},
		{"IPv6", "[fd00::1]:4711", []string{"2001:db8::9"}, "2001:db8::9"},
		{"IPv6 with a port", "[fd00::1]:4711", []string{"[2001:db8::9]:1234"}, "2001:db8::9"},
		{"IPv4 in IPv6", "[::ffff:10.1.1.1]:4711", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		{"zone", "[fe80::1%eth0]:4711", nil, "fe80::1"},
		{"no address at all", "@", []string{"203.0.113.9"}, "invalid IP"},
	} {
		s := newSite(t, web.Options{Proxies: trusted})
		r := httptest.NewRequest("GET", "/", nil)
		r.RemoteAddr = tt.remote
		r.Header["X-Forwarded-For"] = tt.forwarded
		if got := s.Address(r).String(); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestNetwork(t *testing.T) {
	for _, tt := range []struct{ address, want string }{
		{"192.0.2.1", "192.0.2.1/32"},
		{"::ffff:192.0.2.1", "192.0.2.1/32"},
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
	} {
		if got := web.Network(netip.MustParseAddr(tt.address)).String(); got != tt.want {
			t.Errorf("Network(%s) = %s, want %s", tt.address, got, tt.want)
		}
	}
	if got := web.Network(netip.Addr{}); got.IsValid() {
		t.Errorf("Network of no address = %s", got)
	}
}
