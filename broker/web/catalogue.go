package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"sync"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed catalogues/*.json
var catalogueFiles embed.FS

// translate returns the message called key, with the fields of data in it.
type translate func(key string, data any) (string, error)

// catalogue has the messages of a language: catalogues/ROOM.LANGUAGE.json, a file for
// each room that has pages of its own. They are read when the first is asked for.
func catalogue(lang string) translate {
	load := sync.OnceValues(func() (*i18n.Localizer, error) { return loadCatalogue(lang) })
	return func(key string, data any) (string, error) {
		localizer, err := load()
		if err != nil {
			return "", err
		}
		return localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	}
}

func loadCatalogue(lang string) (*i18n.Localizer, error) {
	bundle := i18n.NewBundle(language.Make(lang))
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	files, err := fs.Glob(catalogueFiles, "catalogues/*."+lang+".json")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		if _, err := bundle.LoadMessageFileFS(catalogueFiles, file); err != nil {
			return nil, fmt.Errorf("load catalogue: %w", err)
		}
	}
	return i18n.NewLocalizer(bundle, lang), nil
}
