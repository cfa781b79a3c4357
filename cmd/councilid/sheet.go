package main

import (
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/councilid/councilid/config"
)

// sheet is what an operator reads of a preset, for a connector of a broker.
type sheet struct {
	*config.Preset
	issuer string
}

// print writes all parts of the sheet.
func (s sheet) print(out io.Writer) error {
	file, err := s.file()
	if err != nil {
		return err
	}
	setup := setupOf(s.Preset)
	status := map[string]string{
		"stable":    "",
		"beta":      " It has not been tried with the real provider.",
		"reference": " Its facts are not public: ask the provider first.",
	}[setup.Status]
	_, _ = fmt.Fprintf(out, "%s, by %s. Checked on %s.%s\n", s.Label.In("en"), protocolOf(s.Preset), s.Verified, status)
	part(out, "Who may use it", fold(setup.Eligibility, "  "))
	part(out, "What to do", s.steps(setup.Steps))
	part(out, "What the provider has to know", table(s.addresses()))
	part(out, "What to write, as connectors/"+s.ID+".yaml", file)
	part(out, "What a sign-in proves at the most", table(s.proves()))
	part(out, "How it is asked", table(s.asked()))
	var sources strings.Builder
	for _, source := range setup.Sources {
		sources.WriteString(fold(source, "  "))
	}
	part(out, "Sources", sources.String())
	return nil
}

// part prints a heading and what is below it, if there is anything.
func part(out io.Writer, heading, text string) {
	if text != "" {
		_, _ = fmt.Fprintf(out, "\n%s\n\n%s", heading, text)
	}
}

// steps are what to do at the provider, with the connector's own addresses.
func (s sheet) steps(steps []string) string {
	var b strings.Builder
	for i, step := range steps {
		lead := fmt.Sprintf("%3d. ", i+1)
		b.WriteString(lead + strings.TrimPrefix(fold(s.own(step), "     "), "     "))
	}
	return b.String()
}

// ownAddress is an address of the broker as presets write it: ISSUER/callback/ID.
var ownAddress = regexp.MustCompile(`\bISSUER/(\w+)/ID\b`)

// own puts the connector's own addresses into a text.
func (s sheet) own(text string) string {
	return ownAddress.ReplaceAllString(text, s.issuer+"/$1/"+s.ID)
}

// addresses are those of the broker that the provider calls or sends people to.
func (s sheet) addresses() [][2]string {
	if s.Council != nil {
		return nil // there is no provider
	}
	callback, logout := s.issuer+"/callback/"+s.ID, s.issuer+"/logout/"+s.ID
	all := [][2]string{{"callback, or redirect URI", callback}}
	switch {
	case s.SAML != nil:
		all = s.ofSAML(callback, logout)
	case s.OIDC != nil:
		all = append(all, s.ofOIDC(logout)...)
	}
	if s.Landing {
		all = append(all, [2]string{"landing page, for people who come back days later", s.issuer + "/landing/" + s.ID})
	}
	if e := s.Events; e != nil {
		all = append(all, [2]string{"events about accounts", s.issuer + "/events/" + s.ID})
		if e.Protocol == "facebook" {
			all = append(all, [2]string{"requests to delete data", s.issuer + "/events/" + s.ID + "/deletion"})
		}
	}
	return all
}

// ofSAML are the addresses that SAML has.
func (s sheet) ofSAML(callback, logout string) [][2]string {
	all := [][2]string{
		{"metadata, which has the rest", s.issuer + "/connectors/" + s.ID + "/metadata"},
		{"entityID", s.SAML.EntityID},
		{"assertion consumer service", callback},
	}
	switch l := s.SAML.Logout; {
	case *l.Send || *l.Accept:
		all = append(all, [2]string{"single logout service", logout})
	case l.PageReturn != "":
		all = append(all, [2]string{"return after signing out", logout})
	}
	return all
}

// ofOIDC are the addresses that OpenID Connect has besides.
func (s sheet) ofOIDC(logout string) [][2]string {
	var all [][2]string
	o := s.OIDC
	if o.ClientAuth == "private_key_jwt" || o.Encryption != nil {
		all = append(all, [2]string{"public keys (JWKS)", s.issuer + "/connectors/" + s.ID + "/metadata"})
	}
	if o.Logout.Send != "never" {
		all = append(all, [2]string{"return after signing out", logout})
	}
	if o.Logout.FrontChannel {
		all = append(all, [2]string{"front-channel logout", logout})
	}
	if o.Logout.BackChannel {
		all = append(all, [2]string{"back-channel logout", logout + "/backchannel"})
	}
	return all
}

// proves says in plain words what a sign-in can prove, and what says so.
func (s sheet) proves() [][2]string {
	reach := strings.Split(s.Reach().String(), ".")
	var all [][2]string
	for i, c := range []struct {
		name  string
		level *config.Level
	}{
		{"identity", s.Levels.Identity},
		{"authenticator", s.Levels.Authenticator},
		{"phishing", s.Levels.Phishing},
		{"residency", s.Levels.Residency},
	} {
		all = append(all, [2]string{c.name, reach[i] + ", " + plainLevels()[reach[i]]})
		if c.level != nil {
			all = append(all, sources(*c.level)...)
		}
	}
	return all
}

// plainLevels are the levels of assurance in plain words.
func plainLevels() map[string]string {
	return map[string]string{
		"P0": "nothing about who somebody is",
		"P1": "low confidence in who somebody is",
		"P2": "medium confidence in who somebody is",
		"P3": "high confidence in who somebody is",
		"P4": "very high confidence in who somebody is",
		"C0": "nothing about how they signed in",
		"Cl": "one factor",
		"Cm": "two factors",
		"Ch": "two factors, one of them a key that cannot be copied",
		"F0": "nothing against phishing",
		"F1": "a sign-in that cannot be phished",
		"R0": "nothing about where somebody lives",
		"R1": "an address that is a property's",
		"R2": "an address that is shown to be theirs, or on an authority's record",
		"R3": "an address that is both, or seen in person",
	}
}

// sources say how a level is found.
func sources(l config.Level) [][2]string {
	if l.Always != "" {
		return [][2]string{{"", "always " + l.Always}}
	}
	var all [][2]string
	for _, value := range slices.Sorted(maps.Keys(l.Map)) {
		all = append(all, [2]string{"", l.Map[value] + " where " + l.From + " has " + value})
	}
	return all
}

// asked are the steps in which people are sent to the provider.
func (s sheet) asked() [][2]string {
	var all [][2]string
	for _, ask := range s.Ask {
		text := ask.Reaches.Vector().String()
		if ask.After != "" {
			text += ", after " + ask.After
		}
		all = append(all, [2]string{ask.Step, text})
	}
	return all
}
