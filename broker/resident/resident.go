// Package resident has the pages on which residents see to their own account: who
// they are to the council, how they sign in, which services know what of them, and
// how they take all of it away again.
//
// Its rules:
//
//   - A page is shown to somebody who is signed in, and weighed by what is known
//     now. Whoever is not signed in does so first and comes back to the page.
//   - What changes who gets in or what services are told, and what shows all that
//     is known, asks for a sign-in of a moment ago, in a session that is worth all
//     that is proved of the person: else a thief of the weakest way in would have
//     the strongest.
//   - A form posts to the address of its own page, whose answer is a redirect: to
//     the page that says what was done, or to itself with what was wrong and with
//     what was typed.
package resident

import (
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/config"
)

// Pages are residents' own pages. All fields are set before the first request and
// do not change.
type Pages struct {
	Flow      *login.Flow
	Services  []config.Service // of the council's that are no apps
	Residents config.Residents
	Council   string     // its name, as residents know it
	Site      string     // the host at which the pages are
	Post      *mail.Post // nil where no mail is sent
	Languages []string   // that the pages are in
	Now       func() time.Time
}

// Mount adds the pages.
func (p *Pages) Mount(mux *http.ServeMux) {
	for pattern, handler := range map[string]handler{
		"GET /my/sign-ins":  p.showSignIns,
		"POST /my/sign-ins": p.addWay,

		"GET /my/details":              p.showDetails,
		"GET /my/proof":                p.showProof,
		"GET /my/services":             p.showServices,
		"GET /my/services/{app}/stop":  p.showStop,
		"POST /my/services/{app}/stop": p.stop,
		"GET /my/devices":              p.showDevices,
		"POST /my/devices":             p.endDevices,
		"GET /my/activity":             p.showActivity,
		"GET /my/delete":               p.showDelete,
		"GET /my/delegates":            p.showDelegates,
		"POST /my/delegates":           p.endDelegation,
		"GET /my/language":             p.showLanguage,
		"POST /my/language":            p.takeLanguage,
	} {
		mux.Handle(pattern, p.Flow.Site.Handle(p.own(handler)))
	}
	for pattern, handler := range map[string]handler{
		"GET /my/sign-ins/{link}/name":    p.showName,
		"POST /my/sign-ins/{link}/name":   p.takeName,
		"GET /my/sign-ins/{link}/remove":  p.showRemove,
		"POST /my/sign-ins/{link}/remove": p.remove,

		"GET /my/details/email":       p.showEmail,
		"POST /my/details/email":      p.takeEmail,
		"GET /my/details/email/code":  p.showCode,
		"POST /my/details/email/code": p.takeCode,
		"GET /my/details/{facet}":     p.showEdit,
		"POST /my/details/{facet}":    p.takeEdit,

		"GET /my/data":              p.showData,
		"POST /my/data":             p.download,
		"POST /my/delete":           p.delete,
		"GET /my/delegates/invite":  p.showInvite,
		"POST /my/delegates/invite": p.invite,
		"GET /my/delegates/accept":  p.showAccept,
		"POST /my/delegates/accept": p.takeInvitation,
		"GET /my/delegates/answer":  p.showInvitation,
		"POST /my/delegates/answer": p.answerInvitation,
	} {
		mux.Handle(pattern, p.Flow.Site.Handle(p.careful(handler)))
	}
	mux.Handle("GET /{$}", p.Flow.Site.Handle(p.showHome))
	mux.Handle("POST /my/stay", p.Flow.Site.Handle(p.stay))
	mux.Handle("GET /sign-in", p.Flow.Site.Handle(p.signIn))
}
