package mapping

import (
	"slices"
	"time"
)

// Resident is the source of what residents say of themselves.
const Resident = "resident"

// Word is one thing that one source said of a person at one time. Words are kept
// beside each other, whoever said them: which of them apps are told is decided
// anew at every sign-in, by Precedence.
type Word struct {
	Claim    string
	Value    any
	Verified bool      // the source vouches for it
	Source   string    // the connector by which it came, or Resident
	Link     string    // the way in by which it came; "" for Resident
	Said     time.Time // when it was last said
	Proved   Assurance // what valid evidence of that way in proves of the person
	Guard    Assurance // the most that it ever proved of them: who is worth less is not told
}

// Words are what the statement says, one by one: said by way of a link, of a person
// of whom that proves so much.
func (st Statement) Words(source, link string, proved Assurance, at time.Time) []Word {
	words := make([]Word, 0, len(st.Claims))
	for name, value := range st.Claims {
		words = append(words, Word{
			Claim: name, Value: value, Verified: slices.Contains(st.Verified, name),
			Source: source, Link: link, Said: at, Proved: proved.Person(),
		})
	}
	return words
}

// A facet of a person is a claim, or several that hang together: those come from
// one source or not at all, or somebody would get the first name that one provider
// knows and the surname that another does.
type facet struct {
	name   string
	claims []string
	about  subject
}

// A subject is what a facet says.
type subject int

const (
	who     subject = iota // who the person is
	where                  // where they live
	contact                // how to reach them
	taste                  // what they like
	own                    // what only the council knows the meaning of
)

var facets = [...]facet{
	{"name", []string{"name", "given_name", "middle_name", "family_name"}, who},
	{"birthdate", []string{"birthdate"}, who},
	{"gender", []string{"gender"}, who},
	{"address", []string{"address", "uprn"}, where},
	{"email", []string{"email", emailVerified}, contact},
	{"phone_number", []string{"phone_number", phoneVerified}, contact},
	{"nickname", []string{"nickname"}, taste},
	{"preferred_username", []string{"preferred_username"}, taste},
	{"profile", []string{"profile"}, taste},
	{"picture", []string{"picture"}, taste},
	{"website", []string{"website"}, taste},
	{"zoneinfo", []string{"zoneinfo"}, taste},
	{"locale", []string{"locale"}, taste},
	{"updated_at", []string{"updated_at"}, taste},
}

// Facets are the names under which an operator may say whose word wins. Besides
// these, each claim of the council's own is one.
func Facets() []string {
	var names []string
	for _, f := range facets {
		names = append(names, f.name)
	}
	return names
}

// FacetOf is the facet that a claim is of. One of the council's own is a facet by
// itself.
func FacetOf(claim string) string { return facetOf(claim).name }

func facetOf(claim string) facet {
	for _, f := range facets {
		if slices.Contains(f.claims, claim) {
			return f
		}
	}
	return facet{claim, []string{claim}, own}
}
