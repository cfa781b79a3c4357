// Package markup reads the pages of the broker and of others, for tests.
package markup

import (
	"html"
	"net/url"
	"regexp"
	"strings"
)

// Form is a form of a page, as it is sent when nobody fills anything in.
type Form struct {
	Action string // where it is sent, in full
	Fields url.Values
	HTML   string
}

var (
	forms      = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputs     = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attributes = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
	titles     = regexp.MustCompile(`(?s)<title>(.*?)</title>`)
)

// Forms are the forms of the page at an address.
func Forms(at *url.URL, page string) []Form {
	var all []Form
	for _, found := range forms.FindAllStringSubmatch(page, -1) {
		form := Form{Action: at.String(), Fields: url.Values{}, HTML: found[0]}
		if to, err := at.Parse(attribute(found[1], "action")); err == nil {
			form.Action = to.String()
		}
		for _, input := range inputs.FindAllStringSubmatch(found[2], -1) {
			if name := attribute(input[1], "name"); name != "" {
				form.Fields.Add(name, attribute(input[1], "value"))
			}
		}
		all = append(all, form)
	}
	return all
}

// Has reports whether the form has a field.
func (f Form) Has(field string) bool { return f.Fields.Has(field) }

// Holds reports whether an element with an id is in the form.
func (f Form) Holds(id string) bool { return strings.Contains(f.HTML, ` id="`+id+`"`) }

// Link is where the link with an id leads, "" where the page has none.
func Link(page, id string) string {
	return attribute(regexp.MustCompile(`<a [^>]*id="`+regexp.QuoteMeta(id)+`"[^>]*>`).FindString(page), "href")
}

// Title is the page's title, "" where it has none.
func Title(page string) string {
	if found := titles.FindStringSubmatch(page); found != nil {
		return strings.TrimSpace(found[1])
	}
	return ""
}

func attribute(tag, name string) string {
	for _, a := range attributes.FindAllStringSubmatch(tag, -1) {
		if a[1] == name {
			return html.UnescapeString(a[2] + a[3])
		}
	}
	return ""
}
