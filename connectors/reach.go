package connectors

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/councilid/councilid/config"
)

// errForbidden says that an address is one that nobody is called at.
var errForbidden = errors.New("the address is link-local, or a cloud's metadata service")

// errPrivate says that another party led us to an address of our own network.
var errPrivate = errors.New("the address is private")

// reach is where an Outbound's calls may go. What the operator wrote may be
// anywhere. Where a redirect or a discovery document leads must be on the
// public internet, or another party could make the broker call the machines
// around it (server-side request forgery). Where clouds give out the machine's
// own credentials nothing leads, a name that the operator wrote neither: the
// address itself has to stand there.
type reach struct {
	anywhere bool
	trusted  map[string]bool // host:port that the operator wrote
	// Both look at the address that a name is resolved to, so that rebinding a
	// name is no way in.
	open    net.Dialer // refuses forbidden addresses
	guarded net.Dialer // refuses private ones as well
}

func newReach(n config.Network, written []string) (*reach, error) {
	r := &reach{anywhere: n.AllowPrivate, trusted: map[string]bool{}}
	for _, address := range append(slices.Clip(written), n.Proxy) {
		u, err := url.Parse(address)
		if err != nil {
			return nil, fmt.Errorf("address: %w", err)
		}
		if u.Host != "" { // what was not written
			r.trusted[hostport(u)] = true
		}
	}
	r.open = net.Dialer{Timeout: n.Timeout, KeepAlive: 30 * time.Second}
	r.guarded = r.open
	r.open.Control = func(_, address string, _ syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(address)
		if err != nil || forbidden(ip.Addr()) && !r.trusted[address] {
			return errForbidden
		}
		return nil
	}
	r.guarded.Control = func(_, address string, _ syscall.RawConn) error {
		ip, err := netip.ParseAddrPort(address)
		if err != nil || !public(ip.Addr()) {
			return errPrivate
		}
		return nil
	}
	return r, nil
}

// written are the addresses of the provider that stand in the configuration.
func written(cfg config.Connector) []string {
	var all []string
	if o := cfg.OIDC; o != nil {
		e := o.Endpoints
		all = append(all, o.Issuer, o.Discovery, e.Token, e.Userinfo, e.JWKS, e.PAR)
		for _, call := range o.Calls {
			all = append(all, call.URL)
		}
		for _, nested := range o.Nested {
			all = append(all, nested.JWKS, nested.DID)
		}
	}
	if o := cfg.OAuth2; o != nil {
		all = append(all, o.Endpoints.Token, o.Profile.URL)
		for _, call := range o.Calls {
			all = append(all, call.URL)
		}
	}
	if s := cfg.SAML; s != nil {
		all = append(all, s.Metadata.URL)
	}
	if e := cfg.Events; e != nil {
		all = append(all, e.JWKS)
	}
	return all
}

func (r *reach) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if r.anywhere || r.trusted[address] {
		return r.open.DialContext(ctx, network, address)
	}
	return r.guarded.DialContext(ctx, network, address)
}

// throughProxy refuses addresses that are private or forbidden on their face. Names are resolved by the proxy, whose rules they are then under.
func (r *reach) throughProxy(u *url.URL) error {
	if r.trusted[hostport(u)] {
		return nil
	}
	host := strings.ToLower(strings.TrimSuffix(u.Hostname(), "."))
	ip, err := netip.ParseAddr(host)
	switch isIP := err == nil; {
	case isIP && forbidden(ip):
		return errForbidden
	case r.anywhere:
		return nil
	case host == "localhost", strings.HasSuffix(host, ".localhost"), isIP && !public(ip):
		return errPrivate
	}
	return nil
}

func hostport(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "http":
		port = "80"
	default:
		port = "443"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// public reports whether ip is an address of the public internet.
func public(ip netip.Addr) bool {
	ip = ip.Unmap()
	if !ip.IsGlobalUnicast() || ip.IsPrivate() || ip.Zone() != "" {
		return false
	}
	for _, special := range specialNetworks {
		if special.Contains(ip) {
			return false
		}
	}
	return true
}

// forbidden reports whether ip is link-local (RFC 3927, RFC 4291 §2.5.6), as the
// metadata services of most clouds are, or the metadata service of one that
// has it elsewhere.
func forbidden(ip netip.Addr) bool {
	ip = ip.Unmap()
	if ip.IsLinkLocalUnicast() {
		return true
	}
	for _, service := range metadataServices {
		if service.Contains(ip.WithZone("")) {
			return true
		}
	}
	return false
}

var metadataServices = []netip.Prefix{
	netip.MustParsePrefix("100.100.100.200/32"),     // Alibaba Cloud
	netip.MustParsePrefix("168.63.129.16/32"),       // Azure
	netip.MustParsePrefix("192.0.0.192/32"),         // Oracle Cloud
	netip.MustParsePrefix("64:ff9b::a9fe:0/112"),    // 169.254.0.0/16 by NAT64
	netip.MustParsePrefix("fd00:ec2::/32"),          // AWS
	netip.MustParsePrefix("fd20:ce::254/128"),       // Google Cloud
	netip.MustParsePrefix("fd00:c1::a9fe:a9fe/128"), // Oracle Cloud
}

// specialNetworks are those of RFC 6890 and its successors that netip does
// not know, and those that lead to other addresses hidden inside.
var specialNetworks = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT, RFC 6598
	netip.MustParsePrefix("168.63.129.16/32"), // Azure, see metadataServices
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),        // IPv4-compatible
	netip.MustParsePrefix("64:ff9b::/96"), // NAT64, RFC 6052
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"), // Teredo and others
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"), // 6to4, RFC 3056
	netip.MustParsePrefix("fec0::/10"), // site-local, RFC 3879
}
