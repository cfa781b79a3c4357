package web

import (
	"strings"
	"sync"
	"time"
	_ "time/tzdata" // a bare container knows no time zone
)

// Date is a moment as residents read it: by the clocks of these islands, however
// the server's are set. The zero Date is none.
type Date struct{ at time.Time }

// DateOf is t, to be read by residents.
func DateOf(t time.Time) Date { return Date{t} }

// London is where the clocks of these islands stand.
func London() *time.Location { return london() }

var london = sync.OnceValue(func() *time.Location {
	here, err := time.LoadLocation("Europe/London")
	if err != nil {
		panic(err) // it is embedded
	}
	return here
})

// Known reports whether there is one.
func (d Date) Known() bool { return !d.at.IsZero() }

// Day is the day of the month.
func (d Date) Day() int { return d.at.In(london()).Day() }

// Month is the month, as in month.MONTH.
func (d Date) Month() string { return strings.ToLower(d.at.In(london()).Format("Jan")) }

// Year is the year.
func (d Date) Year() int { return d.at.In(london()).Year() }

// Clock is the time of the day.
func (d Date) Clock() string { return d.at.In(london()).Format("15:04") }

func (d Date) sameDay(other Date) bool {
	return d.Day() == other.Day() && d.Month() == other.Month() && d.Year() == other.Year()
}

// Machine is what programs read.
func (d Date) Machine() string { return d.at.In(london()).Format(time.RFC3339) }
