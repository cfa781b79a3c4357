package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed catalogues/*.json
var catalogueFiles embed.FS

// translate returns the message called key, with the fields of data in it.
type translate func(key string, data any) (string, error)

// catalogues loads the messages of languages: catalogues/ROOM.LANGUAGE.json, a
// file for each room that has pages of its own.
func catalogues(languages []string) (map[string]translate, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	all := map[string]translate{}
	for _, lang := range languages {
		files, err := fs.Glob(catalogueFiles, "catalogues/*."+lang+".json")
		if err != nil {
			return nil, err
		}
		for _, file := range files {
			if _, err := bundle.LoadMessageFileFS(catalogueFiles, file); err != nil {
				return nil, fmt.Errorf("load catalogue: %w", err)
			}
		}
		localizer := i18n.NewLocalizer(bundle, lang)
		all[lang] = func(key string, data any) (string, error) {
			return localizer.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
		}
	}
	return all, nil
}
