package web

import (
	"strings"
	"time"
)

// Deletion is the page that says what became of somebody's request, at a
// provider, to delete what it told the council.
type Deletion struct {
	Known    bool      // there was such a request
	Anybody  bool      // there was something to delete
	Provider string    // as in Way.Label
	At       time.Time // when it was carried out
}

// Month is that of At, as in month.MONTH of the catalogues.
func (d Deletion) Month() string { return strings.ToLower(d.At.UTC().Format("Jan")) }

// Day is that of At.
func (d Deletion) Day() int { return d.At.UTC().Day() }

// Year is that of At.
func (d Deletion) Year() int { return d.At.UTC().Year() }
