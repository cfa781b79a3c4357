package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/mapping"
)

//go:embed draft.yaml
var draftText string

// draft is what the file of a new SAML app says.
type draft struct {
	Schema  bool // the folder has the schema that editors read
	Product string
	Source  string
	Label   map[string]string // by language, or "" for all
	Sector  string            // "" for the host that the app goes by
	File    string
	Entity  string // whose metadata it is, where that has to be said
	Style   string
	Formats []string
	Email   bool // it takes e-mail addresses as well
	Encrypt bool
	MaxAge  bool // the app refuses sign-ins of a while ago
	Release []wish
	Unknown []wish
}

// wish is an attribute that an app would like.
type wish struct {
	As, Attribute, Friendly, NameFormat string
	Plain                               bool // As alone says it all
	Required                            bool
}

// draft fills in what the app's metadata says.
func (a addition) draft(cfg *config.Config, sp *metadata.Entity, source string) draft {
	d := draft{
		Source: source, File: filepath.ToSlash(a.files()[1]), Entity: a.entityID, Label: a.labels(sp),
		Formats: formatsOf(sp), Encrypt: len(sp.Encryption) > 0,
	}
	d.Email = takes(sp, ":emailAddress") && !slices.Contains(d.Formats, "email")
	if p := guess(sp); p != nil {
		d.Product, d.MaxAge = p.name, p.refusesOld
	}
	if _, err := os.Stat(filepath.Join(cfg.Dir, "councilid.schema.json")); err == nil {
		d.Schema = true
	}
	if slices.ContainsFunc(sp.ACS, func(e metadata.Endpoint) bool { return config.StraysFrom(sp.ID, e.Location) }) {
		d.Sector = a.id
	}
	known := claimsOf(cfg)
	d.Style = styleOf(sp.Attributes, known)
	for _, asked := range sp.Attributes {
		w := d.wish(asked, known)
		if slices.ContainsFunc(d.Release, func(o wish) bool { return o.As == w.As }) {
			w.As = ""
		}
		if w.As == "" {
			d.Unknown = append(d.Unknown, w)
			continue
		}
		d.Release = append(d.Release, w)
	}
	// An app that knows people by their address may as well be told it.
	email := func(w wish) bool { return w.As == "email" }
	if slices.Contains(d.Formats, "email") && !slices.ContainsFunc(d.Release, email) {
		d.Release = append(d.Release, wish{As: "email", Plain: true})
	}
	return d
}

// labels is the app's name: as the operator says, else as the metadata says in
// the languages of the pages, else the id.
func (a addition) labels(sp *metadata.Entity) map[string]string {
	if a.label != "" {
		return map[string]string{"": a.label}
	}
	named := map[string]string{}
	for _, lang := range []string{"en", "cy", "gd"} {
		if name := strings.TrimSpace(sp.DisplayName[lang]); name != "" {
			named[lang] = name
		}
	}
	if len(named) > 0 {
		return named
	}
	words := strings.ReplaceAll(a.id, "-", " ")
	return map[string]string{"": strings.ToUpper(words[:1]) + words[1:]}
}

// formatsOf are the NameID formats for the app: of those that it takes the ones
// that say nothing about residents, else what there is.
func formatsOf(sp *metadata.Entity) []string {
	persistent, transient := takes(sp, ":persistent"), takes(sp, ":transient")
	switch {
	case persistent && !transient:
		return []string{"persistent"}
	case transient && !persistent:
		return []string{"transient", "persistent"} // much software lists one and asks for the other once it is told to
	case !persistent && takes(sp, ":emailAddress"):
		return []string{"email"}
	case !persistent && takes(sp, ":unspecified"):
		return []string{"unspecified"}
	}
	return []string{"persistent", "transient"}
}

// takes reports whether the app lists a NameID format that ends so.
func takes(sp *metadata.Entity, end string) bool {
	return slices.ContainsFunc(sp.NameIDFormats, func(format string) bool { return strings.HasSuffix(format, end) })
}

// claimsOf lists the claims that the folder's connectors can give.
func claimsOf(cfg *config.Config) []string {
	names := mapping.StandardClaims()
	for _, c := range cfg.Connectors {
		names = slices.AppendSeq(names, maps.Keys(c.Claims))
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func styles() []string { return []string{"basic", "oid", "adfs", "eduperson"} }

// styleOf is the style that has most of the names asked for.
func styleOf(asked []metadata.RequestedAttribute, known []string) string {
	best, most := "basic", 0
	for _, style := range styles() {
		n := 0
		for _, a := range asked {
			if claimOf(style, a.Name, known) != "" {
				n++
			}
		}
		if n > most {
			best, most = style, n
		}
	}
	return best
}

// claimOf is the claim that a style calls by an attribute's name, or "".
func claimOf(style, attribute string, known []string) string {
	for _, claim := range known {
		if name, _, _ := mapping.AttributeName(style, claim); name == attribute {
			return claim
		}
	}
	return ""
}

// wish finds the claim for an attribute: by the draft's style, by another one,
// or by the short name that people use.
func (d draft) wish(asked metadata.RequestedAttribute, known []string) wish {
	if claim := claimOf(d.Style, asked.Name, known); claim != "" {
		return wish{As: claim, Plain: true, Required: asked.Required}
	}
	w := wish{Attribute: asked.Name, Friendly: asked.FriendlyName, NameFormat: nameFormat(asked), Required: asked.Required}
	for _, style := range styles() {
		if w.As = claimOf(style, asked.Name, known); w.As != "" {
			return w
		}
	}
	for _, claim := range known {
		_, _, short := mapping.AttributeName("oid", claim)
		if short != "" && (strings.EqualFold(short, asked.Name) || strings.EqualFold(short, asked.FriendlyName)) {
			w.As = claim
		}
	}
	return w
}

// nameFormat is the operator's word for a NameFormat where it is not the one
// that follows from the name.
func nameFormat(asked metadata.RequestedAttribute) string {
	format := asked.NameFormat[strings.LastIndex(asked.NameFormat, ":")+1:]
	uri := strings.Contains(asked.Name, ":")
	if format == "unspecified" || format == "uri" && !uri || format == "basic" && uri {
		return format
	}
	return ""
}

// yaml writes the file.
func (d draft) yaml() ([]byte, error) {
	t, err := template.New("draft").Funcs(template.FuncMap{"text": yamlText, "join": strings.Join}).Parse(draftText)
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	err = t.Execute(&b, d)
	return b.Bytes(), err
}

var plainText = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9 ._/-]*$`)

// yamlText writes a text as YAML: in quotes, which are JSON's, where it needs
// them.
func yamlText(s string) (string, error) {
	if plainText.MatchString(s) && strings.TrimSpace(s) == s {
		return s, nil
	}
	quoted, err := json.Marshal(s)
	return string(quoted), err
}
