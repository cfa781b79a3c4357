package web

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Address is the client's address. A trusted proxy names the address that it
// was called from at the end of X-Forwarded-For, so the list is read from the
// right for as long as the speaker is trusted; what stands further left may
// have been written by the client itself.
func (s *Site) Address(r *http.Request) netip.Addr {
	speaker, _ := parseAddress(r.RemoteAddr)
	if !s.trusts(speaker) {
		return speaker
	}
	named := strings.Split(strings.Join(r.Header["X-Forwarded-For"], ","), ",")
	for _, name := range slices.Backward(named) {
		a, ok := parseAddress(strings.TrimSpace(name))
		if !ok {
			return speaker
		}
		speaker = a
		if !s.trusts(speaker) {
			return speaker
		}
	}
	return speaker
}

// Network is the key under which a's calls are counted together: the address
// itself, or the /64 of an IPv6 address, which is one household's.
func Network(a netip.Addr) netip.Prefix {
	a = a.Unmap()
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // fails for no valid number of bits
	return p
}

func (s *Site) trusts(a netip.Addr) bool {
	return slices.ContainsFunc(s.proxies, func(p netip.Prefix) bool { return p.Contains(a) })
}

// parseAddress reads an address with or without a port: some proxies name
// both.
func parseAddress(text string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(text)
	if err != nil {
		ap, err := netip.ParseAddrPort(text)
		if err != nil {
			return netip.Addr{}, false
		}
		a = ap.Addr()
	}
	return a.Unmap().WithZone(""), true
}
