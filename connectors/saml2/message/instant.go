package message

import (
	"errors"
	"time"

	"github.com/councilid/councilid/connectors/saml2/xmlgate"
)

// clock compares what others' clocks said with ours, which may differ by skew.
type clock struct {
	now  time.Time
	skew time.Duration
}

// before says that notBefore has not come yet.
func (c clock) before(notBefore time.Time) bool { return c.now.Add(c.skew).Before(notBefore) }

// over says that notOnOrAfter has come.
func (c clock) over(notOnOrAfter time.Time) bool { return !c.now.Add(-c.skew).Before(notOnOrAfter) }

// issued checks when something says that it was made.
func (c clock) issued(at time.Time, maxAge time.Duration) error {
	switch {
	case c.before(at):
		return errors.New("IssueInstant in the future")
	case c.over(at.Add(maxAge)):
		return errors.New("IssueInstant too long ago")
	}
	return nil
}

// instant reads an attribute that has to be there.
func instant(e xmlgate.Element, name string) (time.Time, error) {
	t, err := optionalInstant(e, name)
	if err == nil && t.IsZero() {
		return time.Time{}, errors.New("no " + name)
	}
	return t, err
}

// optionalInstant reads an attribute of type xs:dateTime; the zero time stands
// for one that is not there. SAML's times are in UTC (Core §1.3.3): one that
// names no zone is, too.
func optionalInstant(e xmlgate.Element, name string) (time.Time, error) {
	text := e.Attr(name)
	if text == "" {
		return time.Time{}, nil
	}
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05"} {
		if t, err := time.Parse(layout, text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errors.New("malformed " + name)
}

// optional is a time for crewjam's types, nil for none.
func optional(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
