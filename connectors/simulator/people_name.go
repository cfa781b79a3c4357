package simulator

import (
	"strings"

	"github.com/councilid/councilid/mapping"
)

// byName are people whose names break forms.
func byName() []Persona {
	long := strings.TrimSpace(strings.Repeat("Wolfeschlegelsteinhausen ", 8))
	nameless := named("null-name", "(no name)", "The provider says that the name is null", mapping.Claims{
		"name": nil, "given_name": nil, "family_name": nil,
	})
	nameless.Reaches = unproved()
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
		nameless,
	}
}

func named(id, title, description string, person mapping.Claims) Persona {
	person["email"] = id + "@example.org"
	person["email_verified"] = true
	person["birthdate"] = "1979-05-17"
	person["residences"] = []any{home("EX4 3MV", "10023456002")}
	return Persona{ID: id, Title: title, Description: description, Person: person, Reaches: proved()}
}
