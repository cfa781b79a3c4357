package simulator_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/councilid/councilid/connectors/simulator"
)

// open returns the page at an address, parsed.
func (s *stage) open(t *testing.T, address string, status int) *html.Node {
	t.Helper()
	resp, err := s.browser.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != status {
		t.Fatalf("got %s, want a page with status %d", resp.Status, status)
	}
	if csp := resp.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "default-src 'none'") {
		t.Errorf("Content-Security-Policy is %q", csp)
	}
	root, err := html.Parse(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return root
}

// all are the elements called name, in order.
func all(root *html.Node, name string) []*html.Node {
	var found []*html.Node
	for n := range root.Descendants() {
		if n.Type == html.ElementNode && n.Data == name {
			found = append(found, n)
		}
	}
	return found
}

func attribute(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func text(n *html.Node) string {
	var b strings.Builder
	for d := range n.Descendants() {
		if d.Type == html.TextNode {
			b.WriteString(d.Data)
		}
	}
	return strings.Join(strings.Fields(b.String()), " ")
}

func TestChoicePage(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	page := p.stage.open(t, p.address(nil), http.StatusOK)

	if got := attribute(all(page, "html")[0], "lang"); got != "en-GB" {
		t.Errorf("lang is %q", got)
	}
	if got, want := text(all(page, "title")[0]), "Choose who signs in – Simulated Town Hall"; got != want {
		t.Errorf("title is %q, want %q", got, want)
	}
	if got, want := text(all(page, "header")[0]), "Simulated Town Hall: not the real one"; got != want {
		t.Errorf("the header says %q, want %q", got, want)
	}
	if len(all(page, "h1")) != 1 || len(all(page, "script")) != 0 {
		t.Error("want one h1 and no script")
	}
	for _, section := range all(page, "section") {
		heading := all(section, "h2")[0]
		if attribute(section, "aria-labelledby") != attribute(heading, "id") {
			t.Errorf("the section %q is not labelled by its heading", text(heading))
		}
	}
	ids := map[string]string{}
	for _, button := range all(page, "button") {
		ids[attribute(button, "id")] = text(button)
	}
	for _, persona := range p.stage.provider.Personas() {
		if label := ids["persona-"+persona.ID]; !strings.Contains(label, persona.Title) {
			t.Errorf("the button of %s says %q", persona.ID, label)
		}
	}
	if len(ids) != len(p.stage.provider.Personas()) {
		t.Errorf("%d buttons for %d personas", len(ids), len(p.stage.provider.Personas()))
	}
}

// press posts the page's form with the button of an id.
func (s *stage) press(t *testing.T, page *html.Node, address, id string) url.Values {
	t.Helper()
	base, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	to, err := base.Parse(attribute(all(page, "form")[0], "action"))
	if err != nil {
		t.Fatal(err)
	}
	for _, button := range all(page, "button") {
		if attribute(button, "id") != id {
			continue
		}
		resp, err := s.browser.PostForm(to.String(), url.Values{attribute(button, "name"): {attribute(button, "value")}})
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusSeeOther {
			t.Fatalf("the button answers %s", resp.Status)
		}
		answer, err := resp.Location()
		if err != nil {
			t.Fatal(err)
		}
		return answer.Query()
	}
	t.Fatalf("there is no button %s", id)
	return nil
}

func TestPressingAButtonSignsIn(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	address := p.address(nil)
	page := p.stage.open(t, address, http.StatusOK)
	who := p.redeem(t, p.stage.press(t, page, address, "persona-welsh-speaker").Get("code"))
	if got, want := who.userinfo["locale"], "cy"; got != want {
		t.Errorf("locale is %v, want %s", got, want)
	}
	if got := p.stage.press(t, page, address, "persona-cancel").Get("error"); got != "access_denied" {
		t.Errorf("cancelling gives %q", got)
	}
}

func TestContinueAsSomebodySignedIn(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	p.callback(t, url.Values{"persona": {"no-email"}})
	address := p.address(nil)
	page := p.stage.open(t, address, http.StatusOK)
	if button := all(page, "button")[0]; text(button) != "Continue as Joan Price" {
		t.Errorf("the first button says %q", text(button))
	}
	who := p.redeem(t, p.stage.press(t, page, address, "continue").Get("code"))
	if got, want := who.userinfo["name"], "Joan Price"; got != want {
		t.Errorf("signed in as %v, want %s", got, want)
	}
	for _, prompt := range []string{"login", "select_account"} {
		page := p.stage.open(t, p.address(url.Values{"prompt": {prompt}}), http.StatusOK)
		if button := all(page, "button")[0]; attribute(button, "id") == "continue" {
			t.Errorf("prompt=%s offers to go on without choosing", prompt)
		}
	}
}

func TestLoginHintPutsSomebodyFirst(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	page := p.stage.open(t, p.address(url.Values{"login_hint": {"Gwenllian@example.org"}}), http.StatusOK)
	if got, want := attribute(all(page, "button")[0], "id"), "persona-welsh-speaker"; got != want {
		t.Errorf("%s comes first, want %s", got, want)
	}
}

func TestThePageEscapes(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	page := p.stage.open(t, p.address(url.Values{"claims": {`"><script>alert(1)</script>`}, "ui_locales": {"<b>"}}), http.StatusOK)
	if len(all(page, "script")) != 0 {
		t.Error("a parameter reached the page as markup")
	}
}

func TestErrorPage(t *testing.T) {
	p := play(t, plain, simulator.Options{}).party(t)
	page := p.stage.open(t, changed(t, p.address(nil), set("client_id", "another")), http.StatusBadRequest)
	if got, want := text(all(page, "h1")[0]), "Simulated Town Hall cannot go on"; got != want {
		t.Errorf("the heading is %q, want %q", got, want)
	}
	if len(all(page, "form")) != 0 {
		t.Error("the error page has a form")
	}
}
