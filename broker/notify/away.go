package notify

import (
	"sync"
	"time"
)

// away says for how long a node leaves the mail server alone after it took nothing, or
// the database after it was not there: longer and longer while that lasts. Nodes do
// not all come back at once when there is much to send.
type away struct {
	mu    sync.Mutex
	times int // one after another
	until time.Time
}

const (
	shortest = 10 * time.Second
	longest  = 5 * time.Minute
)

func (a *away) at(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return now.Before(a.until)
}

// note says how work ended.
func (a *away) note(err error, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err == nil {
		a.times = 0
		return
	}
	a.until = now.Add(min(shortest<<min(a.times, 10), longest))
	a.times++
}
