package resident

import (
	"cmp"
	"net/http"
	"strconv"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
)

// happenings are what residents are told of, as in resident.activity.WHAT, by the
// kind that the history knows it by. What has none is said to be a change.
var happenings = map[string]string{
	"account.created":       "account_created",
	"account.deleted":       "account_deleted",
	"account.inactive":      "account_inactive",
	"account.kept":          "account_kept",
	"account.undeleted":     "account_undeleted",
	"accounts.merged":       "accounts_merged",
	"accounts.split":        "accounts_split",
	"claims.said":           "details_said",
	"claims.unsaid":         "details_unsaid",
	"consent.given":         "consent_given",
	"delegation.invited":    "delegation_invited",
	"delegation.accepted":   "delegation_accepted",
	"delegation.declined":   "delegation_declined",
	"delegation.ended":      "delegation_ended",
	"evidence.recorded":     "proved",
	"evidence.refused":      "sign_in_refused",
	"link.created":          "way_added",
	"link.named":            "way_named",
	"link.refused":          "sign_in_refused",
	"link.rekeyed":          "way_renumbered",
	"link.removed":          "way_removed",
	"link.unlinked":         "way_ended",
	"link.frozen":           "way_frozen",
	"link.thawed":           "way_thawed",
	"link.undeliverable":    "mail_fails",
	"link.deliverable":      "mail_arrives",
	"merge.proposed":        "merge_proposed",
	"merge.withdrawn":       "merge_withdrawn",
	"sharing.stopped":       "sharing_stopped",
	"split.proposed":        "split_proposed",
	"split.withdrawn":       "split_withdrawn",
	"subject.pinned":        "subject_pinned",
	"way.changed":           "way_changed",
	"wish.kept":             "asked_to_prove",
	"wish.granted":          "proved_for",
	accounts.SignedIn:       "signed_in",
	accounts.SignedIn + "+": "came_back", // without the provider
	accounts.LookedAt:       "looked_at",
}

// wayChanges are what they are told of a change to a way in of the council's own, by its
// word for that.
var wayChanges = map[string]string{
	web.DonePasskeyAdded:    "passkey_added",
	web.DonePasskeyRemoved:  "passkey_removed",
	web.DonePasswordSet:     "password_set",
	web.DonePasswordRemoved: "password_removed",
	web.DoneAddressChanged:  "address_changed",
}

const (
	changed = "changed"
	onePage = 50 // happenings
)

// showActivity shows what happened to the account.
func (p *Pages) showActivity(w http.ResponseWriter, r *http.Request, v *visit) error {
	before := p.Now().Add(time.Second)
	if micros, err := strconv.ParseInt(r.FormValue("before"), 10, 64); err == nil {
		before = time.UnixMicro(micros)
	}
	history, err := p.Flow.Accounts.History(r.Context(), v.Account.ID, before, onePage)
	if err != nil {
		return err
	}
	page := web.ResidentActivity{Own: v.page(web.HereActivity)}
	for _, h := range history {
		page.Add(p.activity(v, h))
	}
	if len(history) > 0 {
		last := history[len(history)-1].At
		older, err := p.Flow.Accounts.History(r.Context(), v.Account.ID, last, 1)
		if err != nil {
			return err
		}
		if len(older) > 0 {
			page.Older = "/my/activity?before=" + strconv.FormatInt(last.UnixMicro(), 10)
		}
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_activity", page)
}

func (p *Pages) activity(v *visit, h accounts.Happening) web.Activity {
	kind := h.Kind
	if h.SSO {
		kind += "+"
	}
	return web.Activity{
		At: web.DateOf(h.At), What: cmp.Or(wayChanges[h.What], happenings[kind], changed), By: cmp.Or(p.connector(v, h.Connector), h.Connector),
		App: cmp.Or(p.app(v, h.App), h.App), Who: h.Officer, Reason: h.Reason,
	}
}
