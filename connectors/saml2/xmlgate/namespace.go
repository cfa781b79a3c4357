package xmlgate

import (
	"errors"
	"strings"
)

// The namespaces that XML itself reserves (Namespaces in XML §3).
const (
	xmlSpace   = "http://www.w3.org/XML/1998/namespace"
	xmlnsSpace = "http://www.w3.org/2000/xmlns/"
)

// declarable refuses a declaration that binds the prefix to what it cannot be
// bound to, or that readers take for different things.
func declarable(prefix, space string) error {
	switch {
	case prefix != "" && space == "": // Namespaces in XML §5: only the default can be undeclared
		return errors.New("prefix bound to no namespace")
	case space != "" && !strings.Contains(space, ":"):
		// Canonical XML §1.3 lets implementations fail on these, or digest nothing.
		return errors.New("relative namespace")
	case len(space) > longest:
		return errors.New("namespace too long")
	case space != "" && !absolute(space):
		return errors.New("namespace that is no URI")
	case prefix != "" && !startsName(prefix):
		return errors.New("prefix that is no name")
	case prefix == "xmlns", (prefix == "xml") != (space == xmlSpace), space == xmlnsSpace:
		return errors.New("reserved namespace") // Namespaces in XML §3
	}
	return nil
}

// absolute reports whether a namespace is a URI (Namespaces in XML §2, RFC 3986
// §3). Authorities are held to host and port: nobody needs more, and readers
// differ on the rest.
func absolute(space string) bool {
	scheme, rest, _ := strings.Cut(space, ":")
	if scheme == "" || !isLetter(scheme[0]) || !consists(scheme, isScheme) {
		return false
	}
	if after, ok := strings.CutPrefix(rest, "//"); ok {
		end := strings.IndexAny(after+"/", "/?#")
		host, port, _ := strings.Cut(after[:end], ":")
		if !consists(host, isUnreserved) || !consists(port, isDigit) {
			return false
		}
		rest = after[end:]
	}
	rest, fragment, _ := strings.Cut(rest, "#")
	return escaped(rest) && escaped(fragment)
}

// escaped reports whether s has nothing but the characters that a path, query
// or fragment may have, each "%" before two hexadecimal digits.
func escaped(s string) bool {
	for {
		plain, rest, more := strings.Cut(s, "%")
		switch {
		case !consists(plain, isPath):
			return false
		case !more:
			return true
		case len(rest) < 2 || !consists(rest[:2], isHex):
			return false
		}
		s = rest[2:]
	}
}

func consists(s string, of func(byte) bool) bool {
	for i := range len(s) {
		if !of(s[i]) {
			return false
		}
	}
	return true
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return '0' <= c && c <= '9' }
func isHex(c byte) bool    { return isDigit(c) || 'a' <= c|0x20 && c|0x20 <= 'f' }
func isScheme(c byte) bool { return isLetter(c) || isDigit(c) || strings.IndexByte("+-.", c) >= 0 }

func isUnreserved(c byte) bool {
	return isLetter(c) || isDigit(c) || strings.IndexByte("-._~", c) >= 0
}

func isPath(c byte) bool {
	return isUnreserved(c) || strings.IndexByte("!$&'()*+,;=:@/?", c) >= 0
}
