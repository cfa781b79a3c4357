package resident_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Nobody invites without end: not in an hour, and not with many who never answer.
func TestInvitationsAreLimited(t *testing.T) {
	b := open(t)
	w := b.browser()
	who := w.signIn("middle", "mother", "Cm")
	soon := b.now().Add(30 * 24 * time.Hour)
	invite := func() page {
		return w.post("/my/delegates/invite", "day", fmt.Sprint(soon.Day()), "month", fmt.Sprint(int(soon.Month())),
			"year", fmt.Sprint(soon.Year()), "label", "Ann", "app", "tax")
	}
	for range 10 {
		invite().shows(t, "They have not typed the code yet")
	}
	w.node = 1
	invite().objects(t, "You have made many invitations")
	given, _, err := b.people().Delegations(t.Context(), who.account)
	if b.must(err); len(given) != 10 {
		t.Fatalf("%d invitations", len(given))
	}

	for range 10 { // while hours go by
		_, _, err := b.people().Invite(t.Context(), who.account, who.link, []string{"tax"}, soon, "Ann")
		b.must(err)
	}
	invite().objects(t, "Too many people have not typed their code yet")
	_, err = b.people().Revoke(t.Context(), who.account, given[0].ID)
	b.must(err)
	invite().objects(t, "You have made many invitations")
}

func TestDelegates(t *testing.T) {
	b := open(t)
	mother, daughter := b.browser(), b.browser()
	mother.signIn("middle", "mother", "Cm")
	daughter.signIn("weak", "daughter", "Cl")
	soon := b.now().Add(30 * 24 * time.Hour)
	date := []string{"day", fmt.Sprint(soon.Day()), "month", fmt.Sprint(int(soon.Month())), "year", fmt.Sprint(soon.Year())}
	invite := func(fields ...string) page { return mother.post("/my/delegates/invite", append(date, fields...)...) }

	invite("app", "tax").objects(t, "Enter what you call them")
	invite("label", "Ann").objects(t, "Select at least one service")
	invite("label", "Ann", "app", "hidden").objects(t, "Select at least one service")
	late := []string{"day", "1", "month", "1", "year", fmt.Sprint(b.now().Year() + 2), "label", "Ann", "app", "tax"}
	mother.post("/my/delegates/invite", late...).objects(t, "The date is too far in the future")
	for _, wrong := range [][2]string{{"day", "32"}, {"month", "13"}, {"year", "2020"}, {"year", "x"}, {"day", ""}} {
		fields := []string{"label", "Ann", "app", "tax"}
		for i := 0; i < len(date); i += 2 {
			if date[i] == wrong[0] {
				fields = append(fields, wrong[0], wrong[1])
			} else {
				fields = append(fields, date[i], date[i+1])
			}
		}
		mother.post("/my/delegates/invite", fields...).objects(t, "Enter a date in the future")
	}

	p := invite("label", "Ann", "app", "tax")
	p.shows(t, "Ann", "Council tax", "They have not typed the code yet")
	invitation := found(t, p.body, `id="invitation"[^>]*>([^<]*)<`)
	mother.get("/my/delegates").hides(t, invitation)
	mother.post("/my/delegates/accept", "code", invitation).objects(t, "This is a code of your own")
	daughter.post("/my/delegates/accept", "code", "AAAA-BBBB-CCCC-DDDD").objects(t, "Nobody has been given this code")
	p = daughter.post("/my/delegates/accept", "code", strings.ToLower(strings.ReplaceAll(invitation, "-", " ")))
	p.shows(t, "Do you want to act for mother?", "Ann", "Council tax", fmt.Sprint(soon.Day(), " ", soon.Month(), " ", soon.Year()))
	daughter.get("/my/delegates").shows(t, "You may not act for anybody")
	p = daughter.post(p.at.RequestURI(), "answer", "accept")
	p.shows(t, "You may act for them now", "mother", "Council tax")
	p.hides(t, "Somebody who calls you")
	daughter.post("/my/delegates/accept", "code", invitation).objects(t, "Nobody has been given this code")
	var by, accepted string
	b.must(b.sql.QueryRow(t.Context(), `SELECT i.subject, a.subject FROM delegations
		JOIN links i ON i.id = invited_by JOIN links a ON a.id = accepted_by`).Scan(&by, &accepted))
	if by != "mother" || accepted != "daughter" {
		t.Errorf("%s invited, and %s accepted", by, accepted)
	}

	id := found(t, p.body, `name="end" value="([^"]*)"`)
	stranger := b.browser()
	stranger.signIn("weak", "stranger", "Cl")
	stranger.post("/my/delegates", "end", id)
	mother.get("/my/delegates").shows(t, "Ann")
	daughter.post("/my/delegates", "end", id).shows(t, "It has ended")
	mother.get("/my/delegates").shows(t, "Nobody may act for you")
	mother.post("/my/delegates", "end", id).shows(t, "It has ended") // the other side was faster

	for range 10 {
		stranger.post("/my/delegates/accept", "code", "AAAA")
	}
	stranger.post("/my/delegates/accept", "code", "AAAA").objects(t, "You have typed many codes")
}

// Who is asked may say no, and only who typed the code is shown who asks.
func TestDecliningAnInvitation(t *testing.T) {
	b := open(t)
	mother, daughter, stranger := b.browser(), b.browser(), b.browser()
	mother.signIn("middle", "mother", "Cm")
	daughter.signIn("weak", "daughter", "Cl")
	stranger.signIn("weak", "stranger", "Cl")
	soon := b.now().Add(30 * 24 * time.Hour)
	p := mother.post("/my/delegates/invite", "label", "Ann", "app", "tax", "day", fmt.Sprint(soon.Day()), "month", fmt.Sprint(int(soon.Month())), "year", fmt.Sprint(soon.Year()))
	invitation := found(t, p.body, `id="invitation"[^>]*>([^<]*)<`)
	p = daughter.post("/my/delegates/accept", "code", invitation)
	p.shows(t, "Do you want to act for mother?")
	for _, answer := range []string{"", "accept"} {
		got := stranger.post(p.at.RequestURI(), "answer", answer)
		got.hides(t, "mother", "You may act for them now")
		got.objects(t, "Nobody has been given this code")
	}
	daughter.post(p.at.RequestURI(), "answer", "decline").shows(t, "You said no", "You may not act for anybody")
	daughter.post(p.at.RequestURI(), "answer", "accept").objects(t, "Nobody has been given this code")
	mother.get("/my/delegates").shows(t, "Nobody may act for you")
	mother.get("/my/activity").shows(t, "Somebody said that they do not want to act for you")
}
