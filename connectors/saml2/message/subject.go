package message

import (
	"errors"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// subject reads who it is, and that whoever brings the assertion may be taken
// for them (Profiles §4.1.4.2).
func (x Expect) subject(a proven, f *Facts) error {
	s, err := required(a.Element, Assertion, "Subject")
	if err != nil {
		return err
	}
	if f.NameID, err = readNameID(s, x.Decrypters, x.Encryption); err != nil {
		return err
	}
	return x.confirmed(s.Children(Assertion, "SubjectConfirmation"))
}

// confirmed finds one confirmation that fits: bearer is the only method whose
// proof a browser can bring. None of them may be about another request.
func (x Expect) confirmed(all []xmlgate.Element) error {
	unfit := errors.New("no SubjectConfirmation by bearer")
	fits := false
	for _, c := range all {
		data, err := only(c, Assertion, "SubjectConfirmationData")
		switch {
		case err != nil:
			return err
		case data.Exists() && data.Attr("InResponseTo") != x.InResponseTo:
			return errors.New("confirmation for another request")
		case c.Attr("Method") != bearer:
			continue
		}
		if err := x.bearer(data); err != nil {
			unfit = err
		} else {
			fits = true
		}
	}
	if fits {
		return nil
	}
	return unfit
}

// bearer checks the data of a bearer confirmation. Address is not compared:
// residents reach the provider and us by different ways.
func (x Expect) bearer(data xmlgate.Element) error {
	if !data.Exists() {
		return errors.New("no SubjectConfirmationData")
	}
	if data.Attr("Recipient") != x.ACS {
		return errors.New("another Recipient")
	}
	// Profiles §4.1.4.2 wants NotOnOrAfter and forbids NotBefore. A NotBefore
	// that is past does no harm, and is sent.
	end, err := instant(data, "NotOnOrAfter")
	if err != nil {
		return err
	}
	start, err := optionalInstant(data, "NotBefore")
	if err != nil {
		return err
	}
	return x.during(start, end)
}
