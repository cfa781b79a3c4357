package demo

import (
	_ "embed"
	"fmt"
	"strings"
)

// predicted says what must become of each persona and fault at each provider:
// what the facts about the providers lead to, written before it was tried.
//
//go:embed predictions.txt
var predicted string

// predictions are cells by connector and persona, with whether they were tried.
type predictions struct {
	order []string
	cells map[string]Cell
	tried map[string]bool
}

// readPredictions reads a line for each cell of the connectors of interest:
// connector, persona, outcome, identity, authenticator and claims, - where there
// is none. A line that begins with # says why.
func readPredictions(interest func(connector string) bool) (*predictions, error) {
	p := &predictions{cells: map[string]Cell{}, tried: map[string]bool{}}
	for number, line := range strings.Split(predicted, "\n") {
		words := strings.Fields(line)
		if len(words) == 0 || strings.HasPrefix(line, "#") {
			continue
		}
		if len(words) != 6 {
			return nil, fmt.Errorf("predictions.txt:%d: six words are needed", number+1)
		}
		for i, word := range words {
			if word == "-" {
				words[i] = ""
			}
		}
		c := Cell{Connector: words[0], Persona: words[1], Outcome: words[2], Identity: words[3], Authenticator: words[4]}
		if words[5] != "" {
			c.Claims = strings.Split(words[5], ",")
		}
		if !interest(c.Connector) {
			continue
		}
		if _, twice := p.cells[c.key()]; twice {
			return nil, fmt.Errorf("predictions.txt:%d: %s is predicted twice", number+1, c.key())
		}
		p.cells[c.key()] = c
		p.order = append(p.order, c.key())
	}
	return p, nil
}

func (c Cell) key() string { return c.Connector + " " + c.Persona }

// judge enters in the cell what was predicted, where that is something else.
func (p *predictions) judge(c *Cell) {
	want, ok := p.cells[c.key()]
	p.tried[c.key()] = true
	switch {
	case !ok:
		c.Predicted = "nothing"
	case want.String() != c.String():
		c.Predicted = want.String()
	}
}

// untried are the cells that were predicted of nobody who is there.
func (p *predictions) untried() []Cell {
	var cells []Cell
	for _, key := range p.order {
		if !p.tried[key] {
			c := p.cells[key]
			cells = append(cells, Cell{Connector: c.Connector, Persona: c.Persona, Outcome: "not there", Predicted: c.String()})
		}
	}
	return cells
}
