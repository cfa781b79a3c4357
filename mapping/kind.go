package mapping

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"cel.dev/cel-go/cel"
)

// The largest claims that are taken, in bytes: a text, and an object or list of
// the council's own in JSON. They keep sessions and tokens of a sane size; two
// hundred groups of a directory fit.
const (
	maxText = 4 << 10
	maxJSON = 16 << 10
)

// errUnfit is the error of a value that is there and is not what its claim
// holds.
var errUnfit = errors.New("the value does not fit the claim")

// A kind is the type of a claim's value.
type kind struct {
	words string     // for a Mistake: "gives bool where text is needed"
	from  []cel.Kind // the types of expression it can be made from
	// take returns the value in the form that apps get, and ErrAbsent or
	// errUnfit for one that is left out. It is never given an absent value.
	take func(v any) (any, error)
}

var (
	text      = kind{"text", fromText, takeText}
	link      = kind{"the text of an https or http URL", fromText, takeLink}
	email     = kind{"the text of an e-mail address", fromText, takeEmail}
	birthdate = kind{"the text of a date", fromText, takeBirthdate}
	boolean   = kind{"true or false", []cel.Kind{cel.BoolKind, cel.StringKind}, takeBoolean}
	number    = kind{"a number", []cel.Kind{cel.IntKind, cel.UintKind, cel.DoubleKind}, takeNumber}
	address   = kind{"an object of formatted, street_address, locality, region, postal_code and country", []cel.Kind{cel.MapKind}, takeAddress}
	anything  = kind{"a JSON value", []cel.Kind{
		cel.BoolKind, cel.StringKind, cel.IntKind, cel.UintKind, cel.DoubleKind, cel.ListKind, cel.MapKind,
	}, takeAnything}

	fromText = []cel.Kind{cel.StringKind}
)

// value returns v as a claim of the kind. Null, an empty text and the text
// null, which some providers write for a field that was never filled in, are
// ErrAbsent. (Mr Null writes himself with a capital.)
func (k kind) value(v any) (any, error) {
	if s, ok := v.(string); ok {
		v = strings.TrimSpace(s)
	}
	if v == nil || v == "" || v == "null" {
		return nil, ErrAbsent
	}
	return k.take(v)
}

// fits reports whether an expression of type t may give the kind. What is
// known only when a person signs in may.
func (k kind) fits(t *cel.Type) bool {
	if t.Kind() == cel.OpaqueKind && t.TypeName() == "optional_type" {
		t = t.Parameters()[0]
	}
	return t.Kind() == cel.DynKind || slices.Contains(k.from, t.Kind())
}

// takeText takes a single line.
func takeText(v any) (any, error) {
	s, ok := v.(string)
	if !ok || len(s) > maxText || strings.ContainsFunc(s, unicode.IsControl) {
		return nil, errUnfit
	}
	return s, nil
}

// takeLink takes only addresses of the web: an app may well put a profile or a
// picture into a page, where javascript: would run.
func takeLink(v any) (any, error) {
	s, err := takeText(v)
	if err != nil || !isURL(s.(string)) {
		return nil, errUnfit
	}
	return s, nil
}

// takeEmail takes an address as the provider spells it; lower-casing the part
// before the @ could make it another person's (RFC 5321 §2.4).
func takeEmail(v any) (any, error) {
	s, err := takeText(v)
	if err != nil || strings.ContainsFunc(s.(string), unicode.IsSpace) {
		return nil, errUnfit
	}
	local, domain, _ := strings.Cut(s.(string), "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") {
		return nil, errUnfit
	}
	return s, nil
}

// presumed is a date whose day, or month and day, is not known.
var presumed = regexp.MustCompile(`^([0-9]{4})-(?:0[0-9]|1[0-2])-00$`)

// takeBirthdate takes the three forms of OpenID Connect Core §5.1: YYYY-MM-DD,
// 0000-MM-DD where the year is not shared, and YYYY. FranceConnect and others
// write 00 for a month or day that is not known: then only the year is.
func takeBirthdate(v any) (any, error) {
	s, ok := v.(string)
	if !ok {
		return nil, errUnfit
	}
	s = presumed.ReplaceAllString(s, "$1")
	for _, form := range []string{time.DateOnly, "2006"} {
		if _, err := time.Parse(form, s); err == nil && s != "0000" {
			return s, nil
		}
	}
	return nil, errUnfit
}

// takeBoolean takes text as well: Apple, LinkedIn and gov.br write it.
func takeBoolean(v any) (any, error) {
	switch v {
	case true, "true":
		return true, nil
	case false, "false":
		return false, nil
	}
	return nil, errUnfit
}

func takeNumber(v any) (any, error) {
	f, ok := v.(float64)
	if !ok {
		return nil, errUnfit
	}
	return f, nil
}

// addressMembers are those of OpenID Connect Core §5.1.1.
var addressMembers = [...]string{"formatted", "street_address", "locality", "region", "postal_code", "country"}

// takeAddress takes the six members and leaves out others. The lines of
// formatted and street_address stay lines.
func takeAddress(v any) (any, error) {
	from, ok := v.(map[string]any)
	if !ok {
		return nil, errUnfit
	}
	lines := kind{take: takeLines}
	to := make(map[string]any, len(addressMembers))
	for _, member := range addressMembers {
		s, err := lines.value(from[member])
		if errors.Is(err, ErrAbsent) {
			continue
		}
		if err != nil {
			return nil, err
		}
		to[member] = s
	}
	if len(to) == 0 {
		return nil, ErrAbsent
	}
	return to, nil
}

// takeLines takes text of several lines.
func takeLines(v any) (any, error) {
	s, ok := v.(string)
	if !ok || len(s) > maxText || strings.ContainsFunc(s, isControlInLine) {
		return nil, errUnfit
	}
	return s, nil
}

func isControlInLine(r rune) bool { return unicode.IsControl(r) && r != '\r' && r != '\n' }

func takeAnything(v any) (any, error) {
	switch v := v.(type) {
	case string:
		return takeLines(v)
	case bool, float64:
		return v, nil
	}
	if b, err := json.Marshal(v); err != nil || len(b) > maxJSON {
		return nil, errUnfit
	}
	return v, nil
}
