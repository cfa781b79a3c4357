package council

import (
	"bytes"
	"crypto/sha1" // as the lists of breached passwords have it; nothing is protected by it
	_ "embed"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"strings"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/web"
)

// A new password has fifteen characters or more, since it signs in alone (NIST
// SP 800-63B-4 §3.1.1.2), any that there are, and is on no list of those that
// thieves try first. There are no other rules: three random words will do, as
// the NCSC says.
const (
	shortest = 15
	longest  = 256 // bytes; longer ones are no safer and take longer to hash
)

// commonest are some fifteen hundred words, names, clubs and rows of keys that
// are tried first. It is no measured list: that is what config.Council.Breached
// is for.
//
//go:embed commonest.txt
var commonest string

// passwordProblem is why a password is refused, one of web.Problem…;
// "" where it is not.
func (c *Council) passwordProblem(who user, password string) (string, error) {
	password = normal(password)
	switch {
	case utf8.RuneCountInString(password) < shortest:
		return web.ProblemPasswordShort, nil
	case len(password) > longest:
		return web.ProblemPasswordLong, nil
	case common(password) || strings.EqualFold(password, who.Address.Text):
		return web.ProblemPasswordCommon, nil
	}
	known, err := breached(c.Connector.Council.Breached, password)
	if known {
		return web.ProblemPasswordCommon, err
	}
	return "", err
}

// common reports whether a password is one of the commonest, or two of them one
// after the other: few of those have fifteen characters by themselves.
func common(password string) bool {
	list := map[string]bool{}
	for word := range strings.FieldsSeq(commonest) {
		list[word] = true
	}
	password = strings.ToLower(password)
	for i := range password {
		if list[password[i:]] && (i == 0 || list[password[:i]]) {
			return true
		}
	}
	return false
}

// breached looks a password up in the file of SHA-1 sums, which is sorted and
// may have a thousand million lines: it is searched where it lies.
func breached(file, password string) (bool, error) {
	if file == "" {
		return false, nil
	}
	f, err := os.Open(file)
	if err != nil {
		return false, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return false, err
	}
	sum := sha1.Sum([]byte(password))
	return search(f, info.Size(), strings.ToUpper(hex.EncodeToString(sum[:])))
}

// search looks for a line that begins with sum among lines in order.
func search(f io.ReaderAt, size int64, sum string) (bool, error) {
	lo, hi := int64(0), size // where lines begin
	for lo < hi {
		start, line, err := lineAt(f, lo+(hi-lo)/2)
		if err != nil {
			return false, err
		}
		found := strings.ToUpper(line[:min(len(line), len(sum))])
		switch {
		case found == sum:
			return true, nil
		case found < sum:
			lo = start + int64(len(line)) + 1
		default:
			hi = start
		}
	}
	return false, nil
}

// maxLine is longer than any line: a sum, and how often the password was seen.
const maxLine = 128

// lineAt is the line that the byte at is part of, and where it begins.
func lineAt(f io.ReaderAt, at int64) (int64, string, error) {
	from := max(0, at-maxLine)
	near := make([]byte, 2*maxLine)
	n, err := f.ReadAt(near, from)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, "", err
	}
	near = near[:n]
	begin := bytes.LastIndexByte(near[:min(int64(n), at-from)], '\n') + 1
	line, _, _ := bytes.Cut(near[begin:], []byte("\n"))
	return from + int64(begin), string(line), nil
}
