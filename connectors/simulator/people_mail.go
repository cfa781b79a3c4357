package simulator

import "github.com/councilid/councilid/mapping"

// byMail are people with something particular about their e-mail.
func byMail() []Persona {
	return []Persona{
		{
			ID: "shared-email", Title: "Sam Morgan", Reaches: proved(),
			Description: "Shares Alice Morgan’s e-mail address, and is somebody else",
			Person: mapping.Claims{
				"name": "Sam Morgan", "given_name": "Sam", "family_name": "Morgan", "birthdate": "1981-11-30",
				"email": "alice.morgan@example.org", "email_verified": true, "locale": "en-GB", "residences": []any{roseStreet()},
			},
		},
		{
			ID: "unverified-email", Title: "Tom Baker-Lee", Reaches: unproved(),
			Description: "E-mail that nobody has verified",
			Person: mapping.Claims{
				"name": "Tom Baker-Lee", "given_name": "Tom", "family_name": "Baker-Lee",
				"email": "tom@example.net", "email_verified": false, "locale": "en-GB",
			},
		},
		{
			ID: "no-email", Title: "Joan Price", Reaches: proved(),
			Description: "No e-mail address at all",
			Person: mapping.Claims{
				"name": "Joan Price", "given_name": "Joan", "family_name": "Price", "birthdate": "1939-06-21",
				"phone_number": "+447700900456", "phone_number_verified": true, "locale": "en-GB",
				"residences": []any{home("EX4 3MT", "10023456001")},
			},
		},
		{
			ID: "council-staff", Title: "Priya Shah", Reaches: unproved(),
			Description: "Works for the council: e-mail of the organisation’s own domain",
			Person: mapping.Claims{
				"name": "Priya Shah", "given_name": "Priya", "family_name": "Shah", "preferred_username": "priya.shah",
				"email": "priya.shah@council.example", "email_verified": true, "hd": "council.example", "locale": "en-GB",
			},
		},
	}
}
