package simulator

import (
	"crypto/sha256"
	"encoding/base64"
	"net/http"
)

// notice is what notice.html shows: something to read, and a form perhaps.
type notice struct {
	Provider    string
	Title, Text string
	Action      string // where the buttons post to
	Fields      map[string]string
	Buttons     []button
}

type button struct{ Name, Value, Label string }

// say shows a notice.
func (p *Provider) say(w http.ResponseWriter, n notice) {
	n.Provider = p.name
	render(w, http.StatusOK, "notice.html", n, "")
}

// submit is the script of a form that is there to be posted on. Without
// JavaScript there is its button.
const submit = "document.forms[0].submit()"

// post makes the browser post fields to an address (Bindings §3.5).
func (p *Provider) post(w http.ResponseWriter, action string, fields map[string]string) {
	sum := sha256.Sum256([]byte(submit))
	render(w, http.StatusOK, "notice.html", notice{
		Provider: p.name, Title: "Go back", Text: "You are being sent back to the service that asked.",
		Action: action, Fields: fields, Buttons: []button{{Label: "Continue"}},
	}, "; script-src 'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
}
