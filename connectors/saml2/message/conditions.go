package message

import (
	"errors"
	"slices"
	"time"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// conditions reads whom the assertion is for, and when (Core §2.5.1).
func (x Expect) conditions(a proven, f *Facts) error {
	c, err := required(a.Element, Assertion, "Conditions")
	if err != nil {
		return err
	}
	start, err := optionalInstant(c, "NotBefore")
	if err != nil {
		return err
	}
	end, err := optionalInstant(c, "NotOnOrAfter")
	if err != nil {
		return err
	}
	if err := x.during(start, end); err != nil {
		return err
	}
	return x.restrictions(c, f)
}

// during checks that now is within a span; a zero time leaves its end open.
func (x Expect) during(notBefore, notOnOrAfter time.Time) error {
	switch c := x.clock(); {
	case c.before(notBefore):
		return errors.New("NotBefore in the future")
	case !notOnOrAfter.IsZero() && c.over(notOnOrAfter):
		return errExpired
	}
	return nil
}

// restrictions holds each condition; one that is not understood cannot be held
// (Core §2.5.1.1).
func (x Expect) restrictions(conditions xmlgate.Element, f *Facts) error {
	restricted := false
	for _, c := range conditions.Children("", "") {
		switch {
		case c.Is(Assertion, "AudienceRestriction"):
			restricted = true
			// Core §2.5.1.4: one of its audiences, but of every restriction.
			if !slices.Contains(texts(c.Children(Assertion, "Audience")), x.Audience) {
				return errors.New("another Audience")
			}
		case c.Is(Assertion, "ProxyRestriction"):
			if err := readProxy(c, f); err != nil {
				return err
			}
		case !c.Is(Assertion, "OneTimeUse"):
			return errors.New("condition that is not understood")
		}
	}
	// Profiles §4.1.4.2: it must say whom it is for.
	if !restricted {
		return errors.New("no AudienceRestriction")
	}
	return nil
}

// readProxy reads what we may assert on the strength of this to apps of ours
// (Core §2.5.1.6).
func readProxy(c xmlgate.Element, f *Facts) error {
	if f.ProxyCount != nil || f.ProxyAudiences != nil {
		return errors.New("more than one ProxyRestriction")
	}
	f.ProxyAudiences = texts(c.Children(Assertion, "Audience"))
	count, err := number(c, "Count", 31)
	f.ProxyCount = count
	return err
}
