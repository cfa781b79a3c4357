package web

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"

	"golang.org/x/text/language"
)

// Look is the council's face, from config.
type Look struct {
	Council, Colour              string // its name; its colour as #rrggbb, on which white can be read
	Logo                         []byte // an image, or nil
	LogoType                     string // media type of Logo: image/svg+xml or image/png
	Languages                    []string
	Help, Privacy, Accessibility string // links of the footer; "" leaves one out
}

var hexColour = regexp.MustCompile(`^#[0-9a-fA-F]{6}$`)

// withDefaults fills in what is not given and refuses what cannot be shown.
func (l Look) withDefaults() (Look, error) {
	l.Council = cmp.Or(l.Council, "Council sign-in")
	l.Colour = cmp.Or(l.Colour, "#1d4f7c")
	if len(l.Languages) == 0 {
		l.Languages = []string{"en", "cy", "gd"}
	}
	if !hexColour.MatchString(l.Colour) {
		return Look{}, fmt.Errorf("colour %q is not of the form #rrggbb", l.Colour)
	}
	for _, lang := range l.Languages {
		if _, ok := languageNames[lang]; !ok {
			return Look{}, fmt.Errorf("there are no texts in language %q", lang)
		}
	}
	if l.Logo != nil && !slices.Contains([]string{"image/svg+xml", "image/png"}, l.LogoType) {
		return Look{}, fmt.Errorf("a logo of type %q is not known to be an image", l.LogoType)
	}
	return l, nil
}

// css gives the style sheet the council's colour.
func (l Look) css() []byte {
	return fmt.Appendf(nil, ":root{--govuk-brand-colour:%s}\n", l.Colour)
}

func (l Look) matcher() language.Matcher {
	tags := make([]language.Tag, len(l.Languages))
	for i, lang := range l.Languages {
		tags[i] = language.MustParse(lang)
	}
	return language.NewMatcher(tags)
}
