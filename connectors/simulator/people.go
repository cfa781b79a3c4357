package simulator

import (
	"strings"
	"time"

	"github.com/councilid/councilid/mapping"
)

// people are the personas of every provider. Addresses of mail are under
// names that RFC 2606 reserves, telephone numbers are Ofcom's for drama.
func people(now time.Time) []Persona {
	all := []Persona{fullRecord(), changedName()}
	all = append(all, byMail()...)
	all = append(all, byName()...)
	return append(all, byLife(now)...)
}

func fullRecord() Persona {
	return Persona{
		ID: "full-record", Title: "Alice Morgan",
		Description: "Full record: name, verified e-mail and telephone, birth date, address",
		Person: mapping.Claims{
			"name": "Alice Jane Morgan", "given_name": "Alice", "middle_name": "Jane", "family_name": "Morgan",
			"nickname": "Ali", "preferred_username": "alice.morgan", "gender": "female", "birthdate": "1984-03-09",
			"email": "alice.morgan@example.org", "email_verified": true,
			"phone_number": "+447700900123", "phone_number_verified": true,
			"address": postal("12 Rose Street", "Exampleton", "EX4 3MP", "GB"),
			"picture": "https://example.org/alice.png", "locale": "en-GB", "zoneinfo": "Europe/London",
		},
	}
}

func changedName() Persona {
	return Persona{
		ID: "changed-name", Title: "Alice Clarke", accountOf: "full-record",
		Description: "Changed name: Alice Morgan’s account, with a new surname and e-mail",
		Person: mapping.Claims{
			"name": "Alice Clarke", "given_name": "Alice", "family_name": "Clarke", "birthdate": "1984-03-09",
			"email": "alice.clarke@example.org", "email_verified": true, "locale": "en-GB",
		},
	}
}

// byMail are people with something particular about their e-mail.
func byMail() []Persona {
	return []Persona{
		{
			ID: "shared-email", Title: "Sam Morgan",
			Description: "Shares Alice Morgan’s e-mail address, and is somebody else",
			Person: mapping.Claims{
				"name": "Sam Morgan", "given_name": "Sam", "family_name": "Morgan", "birthdate": "1981-11-30",
				"email": "alice.morgan@example.org", "email_verified": true, "locale": "en-GB",
			},
		},
		{
			ID: "unverified-email", Title: "Tom Baker-Lee",
			Description: "E-mail that nobody has verified",
			Person: mapping.Claims{
				"name": "Tom Baker-Lee", "given_name": "Tom", "family_name": "Baker-Lee",
				"email": "tom@example.net", "email_verified": false, "locale": "en-GB",
			},
		},
		{
			ID: "no-email", Title: "Joan Price",
			Description: "No e-mail address at all",
			Person: mapping.Claims{
				"name": "Joan Price", "given_name": "Joan", "family_name": "Price", "birthdate": "1939-06-21",
				"phone_number": "+447700900456", "phone_number_verified": true, "locale": "en-GB",
			},
		},
		{
			ID: "council-staff", Title: "Priya Shah",
			Description: "Works for the council: e-mail of the organisation’s own domain",
			Person: mapping.Claims{
				"name": "Priya Shah", "given_name": "Priya", "family_name": "Shah", "preferred_username": "priya.shah",
				"email": "priya.shah@council.example", "email_verified": true, "hd": "council.example", "locale": "en-GB",
			},
		},
	}
}

// byName are people whose names break forms.
func byName() []Persona {
	long := strings.TrimSpace(strings.Repeat("Wolfeschlegelsteinhausen ", 8))
	return []Persona{
		named("single-name", "Suharti", "A single name", mapping.Claims{"name": "Suharti", "given_name": "Suharti"}),
		named("accented-name", "Zoë-Maria O’Connor-Núñez", "Hyphens, an apostrophe and accents", mapping.Claims{
			"name": "Zoë-Maria O’Connor-Núñez", "given_name": "Zoë-Maria", "family_name": "O’Connor-Núñez",
		}),
		named("long-name", "Hubert W…", "A name of 200 characters", mapping.Claims{
			"name": long[:193] + " Hubert", "given_name": "Hubert", "family_name": long[:193],
		}),
		named("non-latin-name", "ليلى حداد", "Arabic script, written from right to left", mapping.Claims{
			"name": "ليلى حداد", "given_name": "ليلى", "family_name": "حداد",
		}),
		named("null-name", "(no name)", "The provider says that the name is null", mapping.Claims{
			"name": nil, "given_name": nil, "family_name": nil,
		}),
	}
}

func named(id, title, description string, person mapping.Claims) Persona {
	person["email"] = id + "@example.org"
	person["email_verified"] = true
	return Persona{ID: id, Title: title, Description: description, Person: person}
}

// byLife are people whose circumstances matter to a council.
func byLife(now time.Time) []Persona {
	sixteen := now.AddDate(-16, -3, 0).Format(time.DateOnly)
	return []Persona{
		{
			ID: "young-person", Title: "Ellis Okafor",
			Description: "Aged 16",
			Person: mapping.Claims{
				"name": "Ellis Okafor", "given_name": "Ellis", "family_name": "Okafor", "birthdate": sixteen,
				"email": "ellis.okafor@example.org", "email_verified": true, "locale": "en-GB",
			},
		},
		{
			ID: "welsh-speaker", Title: "Gwenllian ap Rhys",
			Description: "Uses Welsh",
			Person: mapping.Claims{
				"name": "Gwenllian ap Rhys", "given_name": "Gwenllian", "family_name": "ap Rhys", "birthdate": "1972-03-01",
				"email": "gwenllian@example.org", "email_verified": true, "locale": "cy",
				"address": postal("3 Stryd y Castell", "Caerenghraifft", "LL55 1AA", "GB"),
			},
		},
		{
			ID: "overseas-address", Title: "Ingrid Nyström",
			Description: "Lives in Sweden",
			Person: mapping.Claims{
				"name": "Ingrid Nyström", "given_name": "Ingrid", "family_name": "Nyström", "birthdate": "1990-12-13",
				"email": "ingrid@example.org", "email_verified": true, "locale": "sv-SE", "zoneinfo": "Europe/Stockholm",
				"address": postal("Exempelgatan 7", "Göteborg", "411 09", "SE"),
			},
		},
	}
}

// postal is the address claim of OpenID Connect Core §5.1.1.
func postal(street, locality, postcode, country string) map[string]any {
	return map[string]any{
		"formatted":      strings.Join([]string{street, locality, postcode, country}, "\n"),
		"street_address": street, "locality": locality, "postal_code": postcode, "country": country,
	}
}
