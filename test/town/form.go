package town

import "github.com/councilid/councilid/test/markup"

// Form is a form of a page.
type Form = markup.Form

// Forms are the forms of a page.
func (p Page) Forms() []Form { return markup.Forms(p.URL, p.Body) }

// Message returns the form by which a page hands on a SAML message, or the answer
// to an authorization request (OAuth 2.0 Form Post Response Mode).
func (p Page) Message() (Form, bool) {
	for _, form := range p.Forms() {
		saml := form.Has("SAMLRequest") || form.Has("SAMLResponse")
		if saml || form.Has("state") && (form.Has("code") || form.Has("error")) {
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
		if hasAll(form, fields) {
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

func hasAll(form Form, fields map[string]string) bool {
	for name := range fields {
		if !form.Has(name) {
			return false
		}
	}
	return true
}
