package resident

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// What residents can say of themselves, by facet, and where.
var ownFacets = map[string]string{
	"email": "/my/details/email", "phone_number": "/my/details/phone_number",
	"nickname": "/my/details/nickname", "locale": "/my/language",
}

// showDetails shows what every source says of the resident, and what becomes of it
// in this session.
func (p *Pages) showDetails(w http.ResponseWriter, r *http.Request, v *visit) error {
	page := web.ResidentDetails{Own: v.page(web.HereDetails)}
	findings := p.findings(v)
	for _, facet := range facetsIn(findings) {
		detail := web.Detail{Facet: facet, Own: ownFacets[facet]}
		if !slices.Contains(mapping.Facets(), facet) {
			detail.Facet, detail.Name = "other", facet
		}
		for _, f := range findings {
			if f.Facet == facet {
				detail.Values = append(detail.Values, p.said(v, f))
			}
		}
		page.Details = append(page.Details, detail)
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_details", page)
}

// findings are what becomes of all that is known of the resident in their session.
func (p *Pages) findings(v *visit) []mapping.Finding {
	return p.Flow.Precedence.Weigh(v.Account.Words, mapping.Sitting{Link: v.Link, Worth: v.Level, Now: p.Now()})
}

// facetsIn are the facets to be shown: those that somebody said something of, and
// those that the resident can. Those of the council's own come last.
func facetsIn(findings []mapping.Finding) []string {
	said := map[string]bool{}
	for _, f := range findings {
		said[f.Facet] = true
	}
	var all []string
	for _, facet := range mapping.Facets() {
		if said[facet] || ownFacets[facet] != "" {
			all = append(all, facet)
		}
	}
	for _, f := range findings {
		if !slices.Contains(mapping.Facets(), f.Facet) && !slices.Contains(all, f.Facet) {
			all = append(all, f.Facet)
		}
	}
	return all
}

// said is what one source says. What a stronger sign-in brought a weaker one does
// not open, here as little as for apps.
func (p *Pages) said(v *visit, f mapping.Finding) web.Said {
	said := web.Said{At: web.DateOf(f.Said), Verified: f.Verified, Verdict: string(f.Verdict)}
	if f.Source != mapping.Resident {
		said.By = cmp.Or(p.connector(v, f.Source), f.Source)
	}
	if f.Verdict != mapping.Withheld {
		said.Lines = lines(f)
	}
	return said
}

// lines are what a finding says, to be read.
func lines(f mapping.Finding) []string {
	claims := mapping.Claims{}
	for _, w := range f.Words {
		claims[w.Claim] = w.Value
	}
	switch f.Facet {
	case "name":
		whole := strings.Join([]string{claims.Text("given_name"), claims.Text("middle_name"), claims.Text("family_name")}, " ")
		return []string{cmp.Or(claims.Text("name"), strings.Join(strings.Fields(whole), " "))}
	case "birthdate":
		return []string{birthdate(claims.Text("birthdate"))}
	case "address":
		return addressLines(claims["address"])
	}
	return []string{plain(claims[f.Facet])}
}

// birthdate is a date (OpenID Connect Core §5.1) as people in these islands write
// it.
func birthdate(text string) string {
	at, err := time.Parse(time.DateOnly, text)
	if err != nil || at.Year() == 0 {
		return text
	}
	return at.Format("02/01/2006")
}

// addressLines are the lines of an address (OpenID Connect Core §5.1.1).
func addressLines(value any) []string {
	fields, ok := value.(map[string]any)
	if !ok {
		return []string{plain(value)}
	}
	address := mapping.Claims(fields)
	text := address.Text("formatted")
	if text == "" {
		for _, field := range []string{"street_address", "locality", "region", "postal_code", "country"} {
			text += address.Text(field) + "\n"
		}
	}
	return slices.DeleteFunc(strings.Split(text, "\n"), func(line string) bool { return strings.TrimSpace(line) == "" })
}

// plain is any other value.
func plain(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any, []any:
		text, err := json.Marshal(value)
		if err != nil {
			return ""
		}
		return string(text)
	}
	return fmt.Sprint(value)
}
