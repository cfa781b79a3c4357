package simulator

import (
	"time"

	"github.com/councilid/councilid/mapping"
)

// byLife are people whose circumstances matter to a council.
func byLife(now time.Time) []Persona {
	sixteen := now.AddDate(-16, -3, 0).Format(time.DateOnly)
	return []Persona{
		{
			ID: "young-person", Title: "Ellis Okafor", Reaches: doubted(),
			Description: "Aged 16",
			Person: mapping.Claims{
				"name": "Ellis Okafor", "given_name": "Ellis", "family_name": "Okafor", "birthdate": sixteen,
				"email": "ellis.okafor@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{home("EX4 3MW", "10023456003")},
			},
		},
		{
			ID: "welsh-speaker", Title: "Gwenllian ap Rhys", Reaches: proved(),
			Description: "Uses Welsh",
			Person: mapping.Claims{
				"name": "Gwenllian ap Rhys", "given_name": "Gwenllian", "family_name": "ap Rhys", "birthdate": "1972-03-01",
				"email": "gwenllian@example.org", "email_verified": true, "locale": "cy",
				"address":    postal("3 Stryd y Castell", "Caerenghraifft", "LL55 1AA", "GB"),
				"residences": []any{residence("3", "Stryd y Castell", "Caerenghraifft", "LL55 1AA", "GB", "10023456004")},
			},
		},
		{
			ID: "overseas-address", Title: "Ingrid Nyström", Reaches: movable(),
			Description: "Lives in Sweden",
			Person: mapping.Claims{
				"name": "Ingrid Nyström", "given_name": "Ingrid", "family_name": "Nyström", "birthdate": "1990-12-13",
				"email": "ingrid@example.org", "email_verified": true, "locale": "sv-SE", "zoneinfo": "Europe/Stockholm",
				"address":    postal("Exempelgatan 7", "Göteborg", "411 09", "SE"),
				"residences": []any{residence("7", "Exempelgatan", "Göteborg", "411 09", "SE", "")},
			},
		},
		{
			ID: "screen-reader", Title: "Aisha Bello", Reaches: proved(), Takes: 50 * time.Minute,
			Description: "Uses a screen reader, and needs most of an hour for the provider’s pages",
			Person: mapping.Claims{
				"name": "Aisha Bello", "given_name": "Aisha", "family_name": "Bello", "birthdate": "1988-08-19",
				"email": "aisha.bello@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{home("EX4 3MX", "10023456005")},
			},
		},
		{
			ID: "helper", Title: "Morag Sinclair", Reaches: proved(),
			Description: "Helps her neighbour, and signs in as herself to act for him",
			Person: mapping.Claims{
				"name": "Morag Sinclair", "given_name": "Morag", "family_name": "Sinclair", "birthdate": "1958-01-25",
				"email": "morag.sinclair@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{home("EX4 3MY", "10023456006")},
			},
		},
	}
}

// byProof are people whom those who prove identities find hard, or should.
func byProof() []Persona {
	return []Persona{
		{
			ID: "fails-proofing", Title: "Dai Pritchard", Reaches: unproved(),
			Description: "Has no photo identity, and cannot be proved",
			Person: mapping.Claims{
				"name": "Dai Pritchard", "given_name": "Dai", "family_name": "Pritchard", "birthdate": "1947-10-03",
				"email": "dai.pritchard@example.org", "email_verified": true, "locale": "en-GB",
			},
		},
		{
			ID: "recently-moved", Title: "Kasia Nowak", Reaches: movable(),
			Description: "Moved last month: records have the address before",
			Person: mapping.Claims{
				"name": "Kasia Nowak", "given_name": "Kasia", "family_name": "Nowak", "birthdate": "1995-09-12",
				"email": "kasia.nowak@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{
					residence("2", "New Close", "Exampleton", "EX4 4NA", "GB", "10023456007"), until(home("EX4 3MZ", "10023456008"), "2026"),
				},
			},
		},
		{
			ID: "care-leaver", Title: "Jordan Reid", Reaches: doubted(),
			Description: "Left care at 18: few addresses, no history of credit",
			Person: mapping.Claims{
				"name": "Jordan Reid", "given_name": "Jordan", "family_name": "Reid", "birthdate": "2007-06-08",
				"email": "jordan.reid@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{residence("", "Example House", "Exampleton", "EX4 4NB", "GB", "")},
			},
		},
		{
			ID: "died", Title: "Walter Hughes", Reaches: proved(),
			Description: "Died last month, and somebody signs in with his account",
			Person: mapping.Claims{
				"name": "Walter Hughes", "given_name": "Walter", "family_name": "Hughes", "birthdate": "1936-12-24",
				"email": "walter.hughes@example.org", "email_verified": true, "locale": "en-GB",
				"residences": []any{home("EX4 4NC", "10023456009")},
			},
		},
	}
}
