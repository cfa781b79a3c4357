package demo

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Nothing is predicted of a provider that nobody tries.
func TestPredictionsAreTried(t *testing.T) {
	_, err := readPredictions(func(connector string) bool {
		if _, err := folders.ReadFile("personas/connectors/" + connector + ".yaml"); err != nil {
			t.Error(err)
		}
		return true
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestPredictions(t *testing.T) {
	p, err := readPredictions(func(connector string) bool { return connector == "digid" })
	if err != nil {
		t.Fatal(err)
	}
	for want, c := range map[string]Cell{
		"":              {Connector: "digid", Persona: "full-record", Outcome: "ok", Identity: "P2", Authenticator: "Cm"},
		"ok P2 Cm -":    {Connector: "digid", Persona: "died", Outcome: "ok", Identity: "P2", Authenticator: "Cm", Claims: []string{"name"}},
		"refused - - -": {Connector: "digid", Persona: "wrapped", Outcome: "ok", Identity: "P2", Authenticator: "Cm"},
		"nothing":       {Connector: "digid", Persona: "nobody", Outcome: "ok", Identity: "P2", Authenticator: "Cm"},
	} {
		if p.judge(&c); c.Predicted != want || c.OK() != (want == "") {
			t.Errorf("%s: predicted %q, want %q", c.Persona, c.Predicted, want)
		}
	}
	untried := p.untried()
	if got, want := len(untried), len(p.cells)-3; got != want {
		t.Errorf("%d are untried, want %d", got, want)
	}
	want := Cell{Connector: "digid", Persona: "changed-name", Outcome: "not there", Predicted: "ok P2 Cm -"}
	if diff := cmp.Diff(want, untried[0]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
