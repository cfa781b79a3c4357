package web

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Consent is the page that asks a resident whether an app may be told what it asks
// for.
type Consent struct {
	App     string            // name of the service
	Purpose string            // what it needs that for
	Claims  []Claim           // all that it gets
	Lasting bool              // it may fetch that again while the resident is away
	Action  string            // where the answer is posted
	Fields  map[string]string // hidden fields of the form
}

// Claim is one thing that is said of a person, as it is told.
type Claim struct {
	Name  string   // of the claim
	Lines []string // its value; none for one of the two below
	Yes   bool     // it is true
	No    bool     // it is false
}

// named are the claims that the catalogues have a name for, as consent.claim.NAME.
var named = []string{
	"name", "given_name", "middle_name", "family_name", "nickname", "preferred_username", "profile", "picture", "website",
	"email", "email_verified", "gender", "birthdate", "zoneinfo", "locale", "phone_number", "phone_number_verified", "address",
	"updated_at", "nameid",
}

// Known reports whether the catalogues have a name for the claim.
func (c Claim) Known() bool { return slices.Contains(named, c.Name) }

// Shown are claims as a page shows them: who somebody is first, and then the council's
// own, by their names.
func Shown(claims map[string]any) []Claim {
	names := slices.SortedFunc(maps.Keys(claims), func(a, b string) int {
		return strings.Compare(place(a), place(b))
	})
	shown := make([]Claim, len(names))
	for i, name := range names {
		shown[i] = Claim{Name: name}
		switch value := claims[name].(type) {
		case bool:
			shown[i].Yes, shown[i].No = value, !value
		default:
			shown[i].Lines = lines(name, value)
		}
	}
	return shown
}

// place sorts the claims that there are names for before others.
func place(name string) string {
	i := slices.Index(named, name)
	if i < 0 {
		i = len(named)
	}
	return fmt.Sprintf("%02d %s", i, name)
}

// lines are a value in lines of text; of an object other than an address, its
// members.
func lines(name string, value any) []string {
	switch value := value.(type) {
	case string:
		return strings.Split(value, "\n")
	case float64:
		if name == "updated_at" {
			return []string{time.Unix(int64(value), 0).UTC().Format("2006-01-02")}
		}
		return []string{strconv.FormatFloat(value, 'f', -1, 64)}
	case []any:
		var all []string
		for _, item := range value {
			all = append(all, lines("", item)...)
		}
		return all
	case map[string]any:
		if name == "address" {
			return addressLines(value)
		}
		var all []string
		for _, member := range slices.Sorted(maps.Keys(value)) {
			all = append(all, member+": "+strings.Join(lines("", value[member]), ", "))
		}
		return all
	}
	return []string{fmt.Sprint(value)}
}

// addressLines are an address as it is written, and what that leaves out of its parts
// (OpenID Connect Core §5.1.1).
func addressLines(address map[string]any) []string {
	whole, _ := address["formatted"].(string)
	all := strings.FieldsFunc(whole, func(r rune) bool { return r == '\n' })
	for _, part := range []string{"street_address", "locality", "region", "postal_code", "country"} {
		if text, _ := address[part].(string); text != "" && !strings.Contains(whole, text) {
			all = append(all, strings.Split(text, "\n")...)
		}
	}
	return all
}
