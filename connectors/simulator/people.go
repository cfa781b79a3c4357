package simulator

import (
	"maps"
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// people are the personas of every provider. Addresses of mail are under
// names that RFC 2606 reserves, telephone numbers are Ofcom's for drama.
//
// Besides standard claims a person may have what only those know who prove
// identities, and what the presets of such providers put into their words:
// residences, the current one first, and former_family_name.
func people(now time.Time) []Persona {
	all := []Persona{fullRecord(), changedName()}
	all = append(all, byMail()...)
	all = append(all, byName()...)
	all = append(all, byLife(now)...)
	return append(all, byProof()...)
}

// recorded are the members of a person that are no claims.
func recorded() []string { return []string{"residences", "former_family_name", "return_codes"} }

// claimsOfPerson are the claims of a person who is spoken of in standard words.
func claimsOfPerson(person mapping.Claims) mapping.Claims {
	said := maps.Clone(person)
	for _, member := range recorded() {
		delete(said, member)
	}
	return said
}

// proved is what somebody reaches who has papers, a history, and an address on
// the record of a credit reference agency.
func proved() mapping.Assurance {
	return mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm, Residency: mapping.R2}
}

// movable is the same where no record has the address.
func movable() mapping.Assurance {
	return mapping.Assurance{Identity: mapping.P2, Authenticator: mapping.Cm}
}

// doubted is somebody of whom little can be found out.
func doubted() mapping.Assurance {
	return mapping.Assurance{Identity: mapping.P1, Authenticator: mapping.Cm}
}

// unproved is somebody who signs in well, and no more.
func unproved() mapping.Assurance { return mapping.Assurance{Authenticator: mapping.Cm} }

func fullRecord() Persona {
	return Persona{
		ID: "full-record", Title: "Alice Morgan", Reaches: proved(),
		Description: "Full record: name, verified e-mail and telephone, birth date, address",
		Person: mapping.Claims{
			"name": "Alice Jane Morgan", "given_name": "Alice", "middle_name": "Jane", "family_name": "Morgan",
			"nickname": "Ali", "preferred_username": "alice.morgan", "gender": "female", "birthdate": "1984-03-09",
			"email": "alice.morgan@example.org", "email_verified": true,
			"phone_number": "+447700900123", "phone_number_verified": true,
			"address": postal("12 Rose Street", "Exampleton", "EX4 3MP", "GB"),
			"picture": "https://example.org/alice.png", "locale": "en-GB", "zoneinfo": "Europe/London",
			"residences": []any{roseStreet()},
		},
	}
}

func changedName() Persona {
	return Persona{
		ID: "changed-name", Title: "Alice Clarke", accountOf: "full-record", Reaches: proved(),
		Description: "Changed name: Alice Morgan’s account, with a new surname and e-mail",
		Person: mapping.Claims{
			"name": "Alice Clarke", "given_name": "Alice", "family_name": "Clarke", "birthdate": "1984-03-09",
			"email": "alice.clarke@example.org", "email_verified": true, "locale": "en-GB",
			"former_family_name": "Morgan", "residences": []any{roseStreet()},
		},
	}
}

// roseStreet is where the first of the people lives.
func roseStreet() map[string]any {
	return residence("12", "Rose Street", "Exampleton", "EX4 3MP", "GB", "10023456789")
}

// home is an address of no particular interest.
func home(postcode, uprn string) map[string]any {
	return residence("1", "Example Road", "Exampleton", postcode, "GB", uprn)
}

// residence is where somebody lives; without a UPRN the address is on no
// register.
func residence(number, street, locality, postcode, country, uprn string) map[string]any {
	r := map[string]any{"number": number, "street": street, "locality": locality, "postcode": postcode, "country": country, "since": "2019"}
	if uprn != "" {
		r["uprn"] = uprn
	}
	return r
}

// until is a residence that was left in a year.
func until(r map[string]any, year string) map[string]any {
	r["since"], r["until"] = "2012", year
	return r
}

// postal is the address claim of OpenID Connect Core §5.1.1.
func postal(street, locality, postcode, country string) map[string]any {
	return map[string]any{
		"formatted":      strings.Join([]string{street, locality, postcode, country}, "\n"),
		"street_address": street, "locality": locality, "postal_code": postcode, "country": country,
	}
}
