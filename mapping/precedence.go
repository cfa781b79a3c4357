package mapping

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// Precedence says whose word wins where several sources say something different
// of one person, by facet. What it does not say is decided by the nature of the
// thing; see compare.
type Precedence map[string]Preference

// Preference is the operator's, of one facet.
type Preference struct {
	Sources []string      // connectors, or Resident, best first; others come after them
	Fresh   time.Duration // a word that is older yields to one that is not; 0: none is too old
}

// Sitting is the sign-in for which words are weighed.
type Sitting struct {
	Link  string    // the way in
	Said  []Word    // what its provider said just now
	Worth Assurance // the most that apps may be told of the session
	Now   time.Time
}

// A Verdict says what became of a word, and why.
type Verdict string

// Verdicts. Where one word wins over another, the verdict of the other says by
// what: the first of these, in this order, in which they differ.
const (
	Wins     Verdict = "wins"
	Stale    Verdict = "stale"    // the other is fresh
	Listed   Verdict = "listed"   // the operator prefers the other
	Surer    Verdict = "surer"    // more of the person was proved where the other came from
	Vouched  Verdict = "vouched"  // the other is vouched for
	Own      Verdict = "own"      // of who somebody is, the resident's own word comes last; of how to reach them, first
	Newer    Verdict = "newer"    // the other was said later
	Withheld Verdict = "withheld" // what was said at a stronger sign-in is not told at this one
	Unproved Verdict = "unproved" // nobody proved it, and identity was proved elsewhere
)

// Finding is what one source says of one facet, and what became of it.
type Finding struct {
	Facet    string
	Source   string
	Link     string
	Words    []Word // sorted by claim
	Verified bool   // the source vouches for all of it
	Said     time.Time
	Proved   Assurance
	Verdict  Verdict

	guard Assurance
	about subject
	now   bool // said just now
}

// Weigh decides which of the words that are known of somebody, stored or said just
// now, count in a sitting. The findings are sorted by facet, and of each the best
// comes first.
//
// Two laws hold whatever the operator prefers. What a source said of a person whom
// it had proved is told again only in a session that is worth as much, or to whoever
// comes by the same way in again, signed in strongly: a weak way in does not open
// what a strong one brought. And in a session in which it was
// another source that proved who they are, what nobody vouches for is not told of
// who they are: an app would take a name that somebody wrote for one that was
// proved.
func (p Precedence) Weigh(stored []Word, s Sitting) []Finding {
	findings := gather(lasting(stored, s), false, gather(s.Said, true, nil))
	for i := range findings {
		findings[i].Verdict = findings[i].barred(s)
	}
	slices.SortFunc(findings, func(a, b Finding) int {
		order, _ := p[a.Facet].compare(a, b, s.Now)
		return cmp.Or(strings.Compare(a.Facet, b.Facet), barredLast(a, b), order)
	})
	for i := range findings {
		f := &findings[i]
		switch {
		case f.Verdict != "":
		case i == 0 || findings[i-1].Facet != f.Facet:
			f.Verdict = Wins
		default:
			best := slices.IndexFunc(findings, func(other Finding) bool { return other.Facet == f.Facet })
			_, f.Verdict = p[f.Facet].compare(findings[best], *f, s.Now)
		}
	}
	return findings
}

// Told is the statement that the findings come to.
func Told(findings []Finding) Statement {
	st := Statement{Claims: Claims{}}
	for _, f := range findings {
		if f.Verdict != Wins {
			continue
		}
		for _, w := range f.Words {
			st.Claims[w.Claim] = w.Value
			if w.Verified {
				st.Verified = append(st.Verified, w.Claim)
			}
		}
	}
	slices.Sort(st.Verified)
	return st
}

// lasting are the stored words that may still be told. How to reach somebody, and
// what they like, a source says at every sign-in or no more. Who they are it may say
// when it proves that, and where they live, and not when they come back. What the
// council's own claims say nobody else knows: the groups of somebody's employer, it
// may be, who has no say in how they come next.
func lasting(stored []Word, s Sitting) []Word {
	latest := map[string]time.Time{}
	for _, w := range stored {
		if w.passing() && w.Said.After(latest[w.Link]) {
			latest[w.Link] = w.Said
		}
	}
	if slices.ContainsFunc(s.Said, Word.passing) {
		latest[s.Link] = s.Now
	}
	return slices.DeleteFunc(slices.Clone(stored), func(w Word) bool {
		return facetOf(w.Claim).about == own || w.passing() && w.Source != Resident && w.Said.Before(latest[w.Link])
	})
}

func (w Word) passing() bool {
	about := facetOf(w.Claim).about
	return about == contact || about == taste
}

// gather adds words to findings, one for each source and facet. What the same way
// in said earlier of the same facet is replaced.
func gather(words []Word, now bool, findings []Finding) []Finding {
	said := len(findings)
	for _, w := range words {
		facet := facetOf(w.Claim)
		same := func(f Finding) bool { return f.Facet == facet.name && f.Link == w.Link }
		if slices.ContainsFunc(findings[:said], same) {
			continue
		}
		i := slices.IndexFunc(findings, same)
		if i < 0 {
			i = len(findings)
			findings = append(findings, Finding{
				Facet: facet.name, Source: w.Source, Link: w.Link, Verified: true,
				Proved: w.Proved, guard: w.Guard, about: facet.about, now: now,
			})
		}
		findings[i].add(w)
	}
	return findings
}

// add adds a word to what its source says, all at one time: a surname that it has left
// out since is not put beside a new name.
func (f *Finding) add(w Word) {
	switch {
	case w.Said.Before(f.Said):
		return
	case w.Said.After(f.Said):
		f.Words, f.Verified, f.Said = nil, true, w.Said
	}
	f.Words = append(f.Words, w)
	slices.SortFunc(f.Words, func(a, b Word) int { return strings.Compare(a.Claim, b.Claim) })
	if w.Claim != emailVerified && w.Claim != phoneVerified {
		f.Verified = f.Verified && w.Verified
	}
}

// barred is why a finding cannot count in a sitting, or "".
func (f Finding) barred(s Sitting) Verdict {
	switch {
	case !f.now && !s.Worth.AtLeast(f.guard) && (f.Link != s.Link || s.Worth.Authenticator < Cm):
		return Withheld
	case f.Verified:
		return ""
	case (f.about == who || f.about == own) && s.Worth.Identity > f.Proved.Identity,
		f.about == where && (s.Worth.Identity > f.Proved.Identity || s.Worth.Residency > f.Proved.Residency):
		return Unproved
	}
	return ""
}

// barredLast puts what counts before what does not.
func barredLast(a, b Finding) int {
	rank := func(f Finding) int {
		if f.Verdict == "" {
			return 0
		}
		return 1
	}
	return cmp.Compare(rank(a), rank(b))
}

// compare orders two findings of one facet, best first, and says by what.
func (p Preference) compare(a, b Finding, now time.Time) (int, Verdict) {
	for _, by := range []struct {
		verdict Verdict
		order   int
	}{
		{Stale, cmp.Compare(p.stale(a, now), p.stale(b, now))},
		{Listed, cmp.Compare(p.rank(a), p.rank(b))},
		{Surer, -cmp.Compare(a.sure(), b.sure())},
		{Vouched, -cmp.Compare(truth(a.Verified), truth(b.Verified))},
		{Own, cmp.Compare(a.own(), b.own())},
		{Newer, -a.Said.Compare(b.Said)},
	} {
		if by.order != 0 {
			return by.order, by.verdict
		}
	}
	return strings.Compare(a.Link, b.Link), Newer
}

func (p Preference) stale(f Finding, now time.Time) int {
	return truth(p.Fresh > 0 && now.Sub(f.Said) > p.Fresh)
}

// rank is the source's place in the operator's list.
func (p Preference) rank(f Finding) int {
	if i := slices.Index(p.Sources, f.Source); i >= 0 {
		return i
	}
	return len(p.Sources)
}

// sure is how much was proved of the person where the finding came from, as far as
// that says something of it.
func (f Finding) sure() int {
	switch f.about {
	case who, own:
		return int(f.Proved.Identity)
	case where:
		return int(f.Proved.Residency)*8 + int(f.Proved.Identity)
	}
	return 0
}

// own puts the resident's own word first where nobody knows better, else last.
func (f Finding) own() int {
	mine := truth(f.Source == Resident)
	if f.about == contact || f.about == taste {
		return -mine
	}
	return mine
}

func truth(b bool) int {
	if b {
		return 1
	}
	return 0
}
