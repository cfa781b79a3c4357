package town

import (
	"html"
	"net/url"
	"regexp"
)

// Form is a form of a page, as it is sent when nobody fills anything in.
type Form struct {
	Action string
	Fields url.Values
}

var (
	forms      = regexp.MustCompile(`(?is)<form\b([^>]*)>(.*?)</form>`)
	inputs     = regexp.MustCompile(`(?is)<input\b([^>]*)>`)
	attributes = regexp.MustCompile(`(?is)([a-z-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')`)
)

// Forms are the forms of a page.
func (p Page) Forms() []Form {
	var all []Form
	for _, found := range forms.FindAllStringSubmatch(p.Body, -1) {
		form := Form{Action: p.URL.String(), Fields: url.Values{}}
		if to, err := p.URL.Parse(attribute(found[1], "action")); err == nil {
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

func attribute(tag, name string) string {
	for _, a := range attributes.FindAllStringSubmatch(tag, -1) {
		if a[1] == name {
			return html.UnescapeString(a[2] + a[3])
		}
	}
	return ""
}

// Message returns the form by which a page hands on a SAML message, or the answer
// to an authorization request (OAuth 2.0 Form Post Response Mode).
func (p Page) Message() (Form, bool) {
	for _, form := range p.Forms() {
		saml := form.Fields.Has("SAMLRequest") || form.Fields.Has("SAMLResponse")
		if saml || form.Fields.Has("state") && (form.Fields.Has("code") || form.Fields.Has("error")) {
			return form, true
		}
	}
	return Form{}, false
}

// Submit fills in the page's form that has the fields, sends it, and follows
// where it leads.
func (b *Browser) Submit(p Page, fields map[string]string) Page {
	b.tb.Helper()
	for _, form := range p.Forms() {
		if form.has(fields) {
			for name, value := range fields {
				form.Fields.Set(name, value)
			}
			b.at.Store(p.URL)
			return b.follow("POST", form.Action, form.Fields)
		}
	}
	b.tb.Fatalf("the page has no such form: %s\n%s", p, p.Body)
	return Page{}
}

func (f Form) has(fields map[string]string) bool {
	for name := range fields {
		if !f.Fields.Has(name) {
			return false
		}
	}
	return true
}
