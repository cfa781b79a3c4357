package council

import (
	"embed"
	"fmt"
	"strings"
	"text/template"
)

// letter is a mail to a resident. It has no links: whoever gets used to following
// those that come with codes follows a thief's one day.
type letter struct {
	To            address
	Subject, Body string
}

// contents are what a letter is about.
type contents struct {
	Code    string // to be typed
	Minutes int    // for how long
	What    string // what was changed, one of web.Done…

	Council, Site string // who writes
}

//go:embed letters/*.txt
var letterFiles embed.FS

// write writes letters/NAME.LANGUAGE.txt, whose first line is the subject.
func write(to address, language, name string, what contents) (letter, error) {
	t, err := template.ParseFS(letterFiles, "letters/"+name+"."+language+".txt")
	if err != nil {
		return letter{}, fmt.Errorf("write a letter: %w", err)
	}
	var text strings.Builder
	if err := t.Execute(&text, what); err != nil {
		return letter{}, fmt.Errorf("write a letter: %w", err)
	}
	subject, body, _ := strings.Cut(text.String(), "\n")
	return letter{To: to, Subject: subject, Body: body}, nil
}
