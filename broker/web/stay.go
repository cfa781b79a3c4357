package web

import "time"

// Stay is how long a resident stays signed in.
type Stay struct {
	Left time.Duration // who does nothing
	Over Date          // whatever they do
	Last bool          // both are the same moment
}

// Seconds are those of Left.
func (s Stay) Seconds() int { return int(s.Left / time.Second) }

// Minutes are those of Left.
func (s Stay) Minutes() int { return int(s.Left / time.Minute) }

// Clock is the time of the day of Over.
func (s Stay) Clock() string { return s.Over.Clock() }

// Over is the page of somebody who sent a form when they were not signed in any more.
type Over struct {
	Again string // where signing in again leads
}
