package simulator

import (
	"sync"
	"time"
)

// lifetime of codes and access tokens.
const lifetime = 10 * time.Minute

// shelf keeps things for at least lifetime and at most twice as long: every
// lifetime the older half is thrown away. The zero shelf is empty.
type shelf[T any] struct {
	mu         sync.Mutex
	young, old map[string]T
	turned     time.Time // when young was begun
}

func (s *shelf[T]) put(key string, value T, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.young == nil || now.Sub(s.turned) > lifetime {
		s.old, s.young, s.turned = s.young, map[string]T{}, now
	}
	s.young[key] = value
}

func (s *shelf[T]) get(key string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(key)
}

// take is get and delete in one step: of many callers one wins.
func (s *shelf[T]) take(key string) (T, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	value, ok := s.find(key)
	delete(s.young, key)
	delete(s.old, key)
	return value, ok
}

func (s *shelf[T]) find(key string) (T, bool) {
	if value, ok := s.young[key]; ok {
		return value, true
	}
	value, ok := s.old[key]
	return value, ok
}
