package op

import (
	"encoding/json"
	"slices"
	"strings"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/mapping"
)

// wanted is how sure an app wants to be of who signs in.
type wanted struct {
	levels    []mapping.Assurance // alternatives, in order of preference; nil: whatever there is
	essential bool                // less than one of them is of no use to the app
	acr       []string            // by which the app named them; nil: it did not
	vectors   bool                // it asked by vectors, and is answered by one
	trustmark bool                // it named components of our own trustmark
}

// readLevels reads how sure the app wants to be: by vtr (RFC 8485 §3.1), by the
// acr of the claims parameter, which can be essential (OpenID Connect Core
// §5.5.1.1), or by acr_values, which never is (§3.1.2.1). The first of these
// that is there counts; but of two that must be met neither is passed over.
func (a *authorization) readLevels(names contexts, vtr, acrValues string) error {
	acr := a.claims.IDToken["acr"]
	switch {
	case vtr != "" && acr.binding():
		return refused(invalidRequest, "vtr and an essential acr are two ways of saying what must be met: ask in one of them")
	case vtr != "":
		return a.readVectors(vtr)
	case acr != nil:
		a.wanted.acr = acr.accepts()
		a.wanted.essential = acr.Essential && len(a.wanted.acr) > 0 // of any value there is always one
	default:
		a.wanted.acr = strings.Fields(acrValues)
	}
	for _, name := range a.wanted.acr {
		if level, ok := names.level(name); ok {
			a.wanted.levels = append(a.wanted.levels, level)
		}
	}
	if acr.binding() && len(a.wanted.levels) == 0 {
		return refused(unmetAuthenticationRequirements, "no acr of those that are essential is known here")
	}
	return nil
}

// maxVectors bounds the vectors of a request.
const maxVectors = 10

// asked are the vectors by which the app asked, if it did.
func (w wanted) asked() []mapping.Assurance {
	if !w.vectors {
		return nil
	}
	return w.levels
}

// readVectors reads vtr: any of its vectors will do, and nothing less, as for
// GOV.UK One Login. A component that nobody knows cannot be met.
func (a *authorization) readVectors(vtr string) error {
	var vectors []string
	if json.Unmarshal([]byte(vtr), &vectors) != nil || len(vectors) == 0 || len(vectors) > maxVectors {
		return refused(invalidRequest, "vtr must be a JSON array of one to ten vectors")
	}
	a.wanted.vectors, a.wanted.essential = true, true
	for _, vector := range vectors {
		level, err := mapping.ParseAssurance(vector)
		if err != nil {
			return refused(invalidRequest, "vtr not valid: "+err.Error())
		}
		a.wanted.levels = append(a.wanted.levels, level)
		a.wanted.trustmark = a.wanted.trustmark || strings.ContainsAny(vector, "FR")
	}
	return nil
}

// contexts are the names of levels, weakest first.
type contexts []config.Context

// level is what a name means.
func (c contexts) level(acr string) (mapping.Assurance, bool) {
	i := slices.IndexFunc(c, func(context config.Context) bool { return context.ACR == acr })
	if i < 0 {
		return mapping.Assurance{}, false
	}
	return c[i].Assurance.Vector(), true
}

// told is what an app is told of a session that is worth so much: the first of
// the names it asked for that the session fulfils, else the last one of the
// table. What it says of the person is left out unless the app needs to know
// (need): how well somebody is known is said to those who ask. The zero Context:
// nothing is fulfilled, and nothing is said.
func (c contexts) told(asked []string, need, has mapping.Assurance) config.Context {
	for _, acr := range asked {
		for _, context := range c {
			if context.ACR == acr && has.AtLeast(context.Assurance.Vector()) {
				return context
			}
		}
	}
	for _, context := range slices.Backward(c) {
		means := context.Assurance.Vector()
		if has.AtLeast(means) && need.AtLeast(means.Person()) {
			return context
		}
	}
	return config.Context{}
}

// names are all there are.
func (c contexts) names() []string {
	all := make([]string, len(c))
	for i, context := range c {
		all[i] = context.ACR
	}
	return all
}

// assured is what a grant says of how sure the broker was.
type assured struct {
	ACR string   `json:"acr,omitempty"`
	AMR []string `json:"amr,omitempty"`
	VOT string   `json:"vot,omitempty"` // RFC 8485 §4
}

// assured is what the app is told of a session worth level: of the person, by
// whichever words, no more than it needs or asked for.
func (s *Server) assured(c *client, answer reply, level mapping.Assurance) assured {
	need := c.app.Assurance.Vector()
	context := s.contexts.told(answer.ACR, need, level)
	a := assured{ACR: context.ACR, AMR: context.AMR}
	if len(answer.Vectors) > 0 {
		for _, asked := range answer.Vectors {
			need = need.Join(asked)
		}
		level.Identity, level.Residency = min(level.Identity, need.Identity), min(level.Residency, need.Residency)
		a.VOT = vector(level, answer.Trustmark)
	}
	return a
}

// vector is a level in the components that everybody knows (RFC 8485 §6.2 and
// appendix), and in those of our own trustmark where the app knows it.
func vector(level mapping.Assurance, ours bool) string {
	whole := level.String()
	if ours {
		return whole
	}
	identity, rest, _ := strings.Cut(whole, ".")
	authenticator, _, _ := strings.Cut(rest, ".")
	return identity + "." + authenticator
}
