package resident

import (
	"net/http"
	"slices"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// showLanguage asks for the language that the resident would like: of the pages in
// this browser, and of what is written to them.
func (p *Pages) showLanguage(w http.ResponseWriter, r *http.Request, v *visit) error {
	page := web.ResidentLanguage{Own: v.page("")}
	said, ok := ownWord(v, "locale")
	if !ok {
		said = v.lang
	}
	for _, lang := range p.Languages {
		page.Languages = append(page.Languages, web.LanguageChoice{Lang: lang, Name: web.LanguageName(lang), Chosen: lang == said})
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_language", page)
}

func (p *Pages) takeLanguage(w http.ResponseWriter, r *http.Request, v *visit) error {
	lang := r.PostFormValue("language")
	if !slices.Contains(p.Languages, lang) {
		return notFound("the pages are in no such language")
	}
	if err := p.Flow.Accounts.Say(r.Context(), v.Account.ID, mapping.Statement{Claims: mapping.Claims{"locale": lang}}); err != nil {
		return err
	}
	p.Flow.Site.SetLanguage(w, lang)
	return p.done(w, r, v, "/my/language", web.DidChooseLanguage)
}
