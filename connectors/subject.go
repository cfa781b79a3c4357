package connectors

import (
	"math"
	"strconv"
	"unicode"
	"unicode/utf8"

	"github.com/councilid/councilid/mapping"
)

// subjectOf finds the person's identifier in what the provider said. A link
// hangs on it for ever: what is not surely an identifier is refused.
func (w words) subjectOf(claims mapping.Claims) (string, error) {
	value, err := w.subject.Eval(map[string]any(claims))
	if err != nil {
		return "", fail(Refused, "subject: %w", err)
	}
	subject, ok := subjectText(value)
	if !ok {
		return "", fail(Refused, "subject: neither text nor a whole number")
	}
	return subject, nil
}

// maxSubject is the longest subject that OpenID Connect Core §2 allows.
const maxSubject = 255

func subjectText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, plain(v)
	case float64:
		// JSON numbers beyond 2^53 lose digits: two people could become one.
		const exact = 1 << 53
		if v != math.Trunc(v) || math.Abs(v) >= exact {
			return "", false
		}
		return strconv.FormatInt(int64(v), 10), true
	}
	return "", false
}

func plain(text string) bool {
	if text == "" || len(text) > maxSubject || !utf8.ValidString(text) {
		return false
	}
	for _, r := range text {
		if unicode.IsControl(r) {
			return false
		}
	}
	return true
}
