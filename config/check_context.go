package config

import (
	"slices"
	"strings"

	"github.com/councilid/councilid/mapping"
)

// contexts checks the names by which apps ask for levels of assurance and are
// told of them.
func (r report) contexts(all []Context) {
	seen := registrations{}
	levels := make([]mapping.Assurance, len(all))
	for i, c := range all {
		levels[i] = c.Assurance.Vector()
	}
	for i, c := range all {
		at := indexed("contexts", i)
		r.contextNames(at, c, seen)
		r.methods(at+".amr", c.AMR)
		if j := eclipsed(levels, i); j > 0 {
			r.wrong(at, "is never told: whoever fulfils it fulfils %s, which comes after it", all[j].ACR)
		}
	}
}

// contextNames checks what a context is called by either protocol.
func (r report) contextNames(at string, c Context, seen registrations) {
	if strings.ContainsAny(c.ACR, " \t\n") {
		r.wrong(at+".acr", "must not hold blanks: apps ask for several with blanks between them") // OpenID Connect Core §3.1.2.1
	}
	r.address(at+".saml", c.SAML, absolute)
	for key, name := range map[string]string{"acr": c.ACR, "saml": c.SAML} {
		path := join(at, key)
		if other := seen.claim(at, key, name); other != "" {
			r.wrong(path, "is the name of %s already", other)
		}
		if least := promised(name); r.own.has(path) && !c.Assurance.Vector().AtLeast(least.Vector()) {
			r.wrong(path, "needs assurance with %s or more, which is what %s promises", words(least.Vector()), name)
		}
	}
}

// methods checks what apps are told of how somebody signed in (RFC 8176).
func (r report) methods(path string, amr []string) {
	for i, method := range amr {
		switch {
		case strings.ContainsAny(method, " \t\n"):
			r.wrong(indexed(path, i), "must be one word, as in RFC 8176 §2")
		case slices.Contains(amr[:i], method):
			r.wrong(indexed(path, i), "is there twice")
		}
	}
}

// eclipsed finds a later level that everybody fulfils who fulfils the one at i;
// 0 where there is none.
func eclipsed(levels []mapping.Assurance, i int) int {
	for j := i + 1; j < len(levels); j++ {
		if levels[i].AtLeast(levels[j]) {
			return j
		}
	}
	return 0
}
