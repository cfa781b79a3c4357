package xmlgate

// Scope is the prefixes in force at one place of a document. It follows a walk
// through the tree: what an element binds is released when the walk leaves it.
type Scope struct {
	spaces map[string]string
	before []binding // what each Bind replaced
}

type binding struct{ prefix, space string }

// NewScope is the scope outside the root.
func NewScope() *Scope {
	return &Scope{spaces: map[string]string{"xml": xmlSpace}}
}

// Space returns the namespace that the prefix stands for; "" for none.
func (s *Scope) Space(prefix string) string { return s.spaces[prefix] }

// Bind puts a declaration in force; prefix "" is the default namespace.
func (s *Scope) Bind(prefix, space string) {
	s.before = append(s.before, binding{prefix, s.spaces[prefix]})
	s.spaces[prefix] = space
}

// Mark says where Release has to go back to.
func (s *Scope) Mark() int { return len(s.before) }

// Release takes back every Bind since the mark.
func (s *Scope) Release(mark int) {
	for len(s.before) > mark {
		last := s.before[len(s.before)-1]
		s.before = s.before[:len(s.before)-1]
		s.spaces[last.prefix] = last.space
	}
}

// Declaration reports whether an attribute, by its prefix and local name,
// declares a namespace, and for which prefix.
func Declaration(space, local string) (prefix string, ok bool) {
	switch {
	case space == "xmlns":
		return local, true
	case space == "" && local == "xmlns":
		return "", true
	}
	return "", false
}
