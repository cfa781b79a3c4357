package resident

import (
	"net/http"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// showEdit asks for something that residents say of themselves.
func (p *Pages) showEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	facet := r.PathValue("facet")
	if facet != "nickname" && facet != "phone_number" {
		return notFound("nobody says that of themselves")
	}
	return p.edit(w, r, v, facet)
}

func (p *Pages) edit(w http.ResponseWriter, r *http.Request, v *visit, facet string) error {
	said, ok := ownWord(v, facet)
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_edit", web.ResidentEdit{
		Own: v.page(web.HereDetails), Facet: facet, Typed: v.told.typed("said", said), Said: ok,
	})
}

// ownWord is what the resident said of themselves.
func ownWord(v *visit, claim string) (said string, ok bool) {
	i := slices.IndexFunc(v.Account.Words, func(w mapping.Word) bool { return w.Source == mapping.Resident && w.Claim == claim })
	if i < 0 {
		return "", false
	}
	said, _ = v.Account.Words[i].Value.(string)
	return said, true
}

// takeEdit keeps it, or forgets it.
func (p *Pages) takeEdit(w http.ResponseWriter, r *http.Request, v *visit) error {
	facet, typed := r.PathValue("facet"), strings.TrimSpace(r.PostFormValue("said"))
	if r.PostFormValue("unsay") != "" {
		return p.unsay(w, r, v, facet)
	}
	claims, wrong := p.ownClaims(facet, typed)
	if wrong != "" {
		return p.wrong(w, r, v, "said", wrong)
	}
	if claims == nil {
		return notFound("nobody says that of themselves")
	}
	if err := p.Flow.Accounts.Say(r.Context(), v.Account.ID, mapping.Statement{Claims: claims}); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/details", web.DidSay)
}

// ownClaims are the claims that what was typed says, or what is wrong with it.
func (p *Pages) ownClaims(facet, typed string) (claims mapping.Claims, wrong string) {
	switch {
	case typed == "":
		return nil, web.WrongNothing
	case facet == "nickname" && (utf8.RuneCountInString(typed) > longestName || strings.ContainsFunc(typed, unicode.IsControl)):
		return nil, web.WrongNickname
	case facet == "nickname":
		return mapping.Claims{"nickname": typed}, ""
	case facet != "phone_number":
		return nil, ""
	}
	number, ok := telephone(typed)
	if !ok {
		return nil, web.WrongPhone
	}
	return mapping.Claims{"phone_number": number, "phone_number_verified": false}, ""
}

var internationalNumber = regexp.MustCompile(`^\+[1-9][0-9]{6,14}$`)

// telephone is a number in E.164's form (OpenID Connect Core §5.1), which people
// write with spaces, and in these islands without +44.
func telephone(typed string) (number string, ok bool) {
	number = strings.NewReplacer(" ", "", "-", "", "(0)", "", "(", "", ")", "", ".", "", "\u00a0", "").Replace(typed)
	switch {
	case strings.HasPrefix(number, "00"):
		number = "+" + number[2:]
	case strings.HasPrefix(number, "0"):
		number = "+44" + number[1:]
	}
	return number, internationalNumber.MatchString(number)
}

// unsay forgets what the resident said of themselves.
func (p *Pages) unsay(w http.ResponseWriter, r *http.Request, v *visit, facet string) error {
	claims := map[string][]string{
		"nickname": {"nickname"}, "phone_number": {"phone_number", "phone_number_verified"}, "email": {"email", "email_verified"},
	}[facet]
	if claims == nil {
		return notFound("nobody says that of themselves")
	}
	if err := p.Flow.Accounts.Unsay(r.Context(), v.Account.ID, claims...); err != nil {
		return err
	}
	return p.done(w, r, v, "/my/details", web.DidUnsay)
}
