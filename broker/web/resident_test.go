package web_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/mapping"
)

// residentVariants are what the variable part of a key of residents' own pages may
// be.
func residentVariants(t *testing.T, pattern string) []string {
	t.Helper()
	var variants []string
	switch pattern {
	case "resident.nav.%s":
		variants = found(read(t, "resident.go"), `(?m)^\tHere\w+ += "([a-z_]+)"`)
	case "resident.done.%s":
		variants = found(read(t, "resident.go"), `(?m)^\tDid\w+ += "([a-z_]+)"`)
	case "resident.problem.%s":
		variants = found(read(t, "resident.go"), `(?m)^\tWrong\w+ += "([a-z_]+)"`)
	case "resident.activity.%s":
		variants = append(found(read(t, "../resident/activity.go"), `(?m)^\t[^\n]*: +"([a-z_]+)",`), "changed")
	case "resident.facet.%s":
		variants = append(mapping.Facets(), "nameid")
	case "resident.edit.%s", "resident.edit.%s_text":
		variants = []string{"email", "nickname", "phone_number"}
	case "resident.verdict.%s":
		variants = found(read(t, "../../mapping/precedence.go"), `Verdict = "([a-z]+)"`)
	case "resident.proof.short_%s":
		variants = strings.Fields("p0 p1 p2 p3 p4")
	case "resident.proof.%s":
		variants = strings.Fields("p0 p1 p2 p3 p4 r1 r2 r3")
	case "resident.sign_ins.off_%s":
		variants = strings.Fields("frozen dead gone")
	}
	if len(variants) == 0 {
		t.Fatalf("nothing is known of %s", pattern)
	}
	return variants
}

func residentPages() map[string]shown {
	day := web.DateOf(time.Date(2026, 6, 30, 23, 30, 0, 0, time.UTC)) // July in London
	wrong := web.Own{Problems: []web.Problem{{Field: "name", What: web.WrongName}}}
	way := web.KnownWay{ID: "link1", Label: hostile, By: hostile, Added: day, Last: day, Off: "frozen", Now: true, Manage: "/council/email/account"}
	tiles := []web.Tile{{ID: "tax", Label: hostile, Icon: "money", To: "https://tax.example/?x=" + hostile, Last: day}, {ID: "0", Label: "Bins", Icon: "bin", To: "/bins"}}
	service := web.KnownService{ID: "tax", Label: hostile, To: "https://tax.example/", Purpose: hostile, First: day, Last: day, Got: []string{"name"}, Others: []string{hostile}}
	delegate := web.Delegate{ID: "d1", Label: hostile, Services: []string{hostile}, Until: day, Waiting: true}
	return map[string]shown{
		"my home": {"resident_home", web.ResidentHome{
			Own: web.Own{Here: web.HereHome, Done: web.DidKeepAccount}, Name: hostile, Using: tiles[:1],
			Categories: []web.Category{{Label: hostile, Tiles: tiles[1:]}}, Level: "p2", Ways: 2, Ends: day,
		}},
		"my word, too late": {"over", web.Over{Again: "/my/details/nickname"}},
		"my end, soon":      {"resident_data", web.ResidentData{Own: web.Own{Stay: web.Stay{Left: time.Minute, Over: day, Last: true}}}},
		"my home, unnamed":  {"resident_home", web.ResidentHome{Level: "p0", Ways: 1}},
		"my sign-ins":       {"resident_sign_ins", web.ResidentSignIns{Ways: []web.KnownWay{way}, Other: []web.Way{{ID: "x", Label: hostile, Hint: hostile}}}},
		"my only sign-in":   {"resident_sign_ins", web.ResidentSignIns{Ways: []web.KnownWay{{ID: "l", Label: "Google", Added: day, Only: true}}}},
		"my name":           {"resident_name", web.ResidentWay{Own: wrong, Way: way, Typed: hostile}},
		"my removal":        {"resident_remove", web.ResidentWay{Way: way}},
		"my second sign-in": {"resident_again", web.Again{By: hostile, Back: "/"}},
		"my safer sign-in":  {"resident_again", web.Again{By: hostile, Weak: true, Back: "/"}},
		"my proof":          {"resident_proof", web.ResidentProof{Level: "p2", Lives: "r2", Checks: []web.Proof{{By: hostile, Level: "p2", Lives: "r1", At: day, Until: day}, {At: day, Until: day, Over: true}, {At: day}}}},
		"my services":       {"resident_services", web.ResidentServices{Services: []web.KnownService{service}}},
		"my service":        {"resident_stop", web.ResidentService{Service: service}},
		"my devices":        {"resident_devices", web.ResidentDevices{Devices: []web.KnownDevice{{ID: hostile, Browser: "Firefox", System: "Android", By: hostile, First: day, Last: day, Now: true, Shared: true, Services: []string{hostile}}, {ID: "s2", First: day}}}},
		"my activity":       {"resident_activity", web.ResidentActivity{Days: []web.ActivityDay{{Date: day, Events: []web.Activity{{At: day, What: "looked_at", Who: hostile, Reason: hostile}}}}, Older: "/my/activity?before=1"}},
		"my data":           {"resident_data", web.ResidentData{Own: web.Own{Stay: web.Stay{Left: time.Hour, Over: day}}}},
		"my deletion":       {"resident_delete", web.ResidentDelete{Services: []string{hostile}, Days: 14}},
		"my end":            {"resident_delete", web.ResidentDelete{Ends: day}},
		"my delegates":      {"resident_delegates", web.ResidentDelegates{Given: []web.Delegate{delegate}, Received: []web.Delegate{delegate}, MayInvite: true, Code: "AAAA-BBBB", Days: "7"}},
		"my invitation":     {"resident_invite", web.ResidentInvite{Label: hostile, Services: []web.Choice{{ID: "tax", Label: hostile, Chosen: true}}, Day: hostile, Latest: "1 2 2027"}},
		"my acceptance":     {"resident_accept", web.ResidentAccept{Typed: hostile}},
		"my answer":         {"resident_invitation", web.ResidentInvitation{Name: hostile, Label: hostile, Services: []string{hostile, "Tax"}, Until: day}},
		"my answer to whom": {"resident_invitation", web.ResidentInvitation{Label: "Ann", Services: []string{"Tax"}, Until: day}},
		"my language":       {"resident_language", web.ResidentLanguage{Languages: []web.LanguageChoice{{Lang: "cy", Name: "Cymraeg", Chosen: true}}}},
		"my word":           {"resident_edit", web.ResidentEdit{Own: web.Own{Problems: []web.Problem{{Field: "said", What: web.WrongPhone}}}, Facet: "phone_number", Typed: hostile, Said: true}},
		"my code":           {"resident_code", web.ResidentEmail{Address: hostile, Minutes: 10}},
		"my details": {"resident_details", web.ResidentDetails{Details: []web.Detail{
			{Facet: "email", Own: "/my/details/email", Values: []web.Said{{Lines: []string{hostile, "b"}, By: hostile, At: day, Verified: true, Verdict: "wins"}, {At: day, Verdict: "withheld"}}},
			{Facet: "nickname", Own: "/my/details/nickname"},
			{Facet: "other", Name: "council_number", Values: []web.Said{{Lines: []string{"1"}, By: "Google", At: day, Verdict: "newer"}}},
		}}},
	}
}

// Residents read the clocks of these islands, wherever the server is.
func TestDatesAreLocal(t *testing.T) {
	body := pageSite(t).get("/my-activity").Body.String()
	for _, want := range []string{"1 July 2026", ">00:30</time>", `datetime="2026-07-01T00:30:00&#43;01:00"`} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
}

// A tile has the picture that its operator named, and one in any case.
func TestIconsDiffer(t *testing.T) {
	s := newSite(t, web.Options{})
	seen := map[string]string{}
	for icon := range strings.FieldsSeq("bin book bus car child form health house leaf money people school tree") {
		s.handle("GET /"+icon, func(w http.ResponseWriter, r *http.Request) error {
			return s.Page(w, r, http.StatusOK, "resident_home", web.ResidentHome{Level: "p0", Using: []web.Tile{{ID: "a", Icon: icon, To: "/"}}})
		})
		_, after, _ := strings.Cut(s.get("/"+icon).Body.String(), `focusable="false">`)
		drawing, _, _ := strings.Cut(after, "</svg>")
		if drawing == "" || seen[drawing] != "" {
			t.Errorf("%s looks like %q", icon, seen[drawing])
		}
		seen[drawing] = icon
	}
}

// Residents' own pages say when their reader is signed out, and may ask the broker to
// stay; no page that leads nowhere else sends a form elsewhere.
func TestStaying(t *testing.T) {
	s := pageSite(t)
	w := s.get("/my-data")
	for _, want := range []string{"If you do nothing on these pages for 60 minutes, we sign you out. We sign you out at 00:30", `data-seconds="3600" data-last="false"`, `id="stay-go"`, "/stay.js"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if body := s.get("/my-end-soon").Body.String(); strings.Contains(body, "If you do nothing") || !strings.Contains(body, `data-last="true"`) {
		t.Error("the page says that doing something helps")
	}
	if body := s.get("/choose").Body.String(); strings.Contains(body, "stay.js") {
		t.Error("nobody is signed in, and may stay so")
	}
	for path, leads := range map[string]bool{"/my-data": true, "/my-home": false, "/my-proof": false} {
		policy := s.get(path).Header().Get("Content-Security-Policy")
		if !strings.Contains(policy, "connect-src 'self'") || strings.Contains(policy, "form-action 'self'") == leads {
			t.Errorf("%s: %s", path, policy)
		}
	}
}

// Who told nothing is not asked to change what they told.
func TestOtherPeoplesWord(t *testing.T) {
	s := newSite(t, web.Options{})
	said := []web.Said{{By: "Google", Lines: []string{"a@example.org"}, Verdict: "wins"}}
	s.handle("GET /", func(w http.ResponseWriter, r *http.Request) error {
		return s.Page(w, r, http.StatusOK, "resident_details", web.ResidentDetails{Details: []web.Detail{{Facet: "email", Own: "/email", Values: said}}})
	})
	if body := s.get("/").Body.String(); !strings.Contains(body, "Tell us a different one") || strings.Contains(body, "Change what you told us") {
		t.Error("the page asks to change what somebody else told")
	}
	said = append(said, web.Said{Lines: []string{"b@example.org"}, Verdict: "vouched"})
	if body := s.get("/").Body.String(); !strings.Contains(body, "Change what you told us") {
		t.Error("the page does not let what was told be changed")
	}
}
