package config

import (
	"cmp"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// Preset is a provider that an operator has not written anything about yet.
type Preset struct {
	Connector          // as the preset and the defaults have it
	Missing   []string // the paths of the keys that the operator has to write, as oidc.private_key
}

// PresetNames lists the presets, files NAME.yaml.
func PresetNames(presets fs.FS) []string {
	names, err := fs.Glob(presets, "*.yaml")
	if err != nil {
		return nil
	}
	for i, name := range names {
		names[i] = strings.TrimSuffix(name, ".yaml")
	}
	slices.Sort(names) // a-b.yaml comes before a.yaml
	return names
}

// LoadPreset reads a preset for a connector id of the broker at issuer. The error
// is of type [Problems] where there is no such preset, or it has mistakes of its
// own.
func LoadPreset(presets fs.FS, name, issuer, id string) (*Preset, error) {
	l := &loader{presets: presets, now: time.Now()}
	own, problem := parse("connectors/"+id+".yaml", []byte("preset: "+name+"\n"))
	if problem != nil {
		return nil, Problems{*problem}
	}
	b := Broker{Issuer: issuer, Mail: &Mail{}}
	b.setDefaults()
	c := Connector{ID: id}
	c.setDefaults()
	r := l.report(own)
	r.settings = &b
	if l.connector(&c, &r, &b) {
		r.connector(&c)
	}
	p := &Preset{Connector: c}
	var mistakes Problems
	for _, found := range l.problems.tidy() {
		switch {
		case slices.Contains(p.Missing, found.Path): // by something else besides
		case strings.HasPrefix(found.Message, found.Path+" is required"):
			p.Missing = append(p.Missing, found.Path)
		case !found.Warning:
			mistakes = append(mistakes, found)
		}
	}
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	slices.SortStableFunc(p.Missing, func(a, b string) int {
		return cmp.Compare(strings.Count(a, "."), strings.Count(b, "."))
	})
	return p, nil
}
