package mail

import (
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

// Letter is a mail to a resident. It has no links: whoever gets used to following
// those that come with codes follows a thief's one day.
type Letter struct {
	To            string
	Subject, Body string
}

// Write writes the letter letters/NAME.LANGUAGE.txt of files, whose first line is
// the subject.
func Write(files fs.FS, to, language, name string, what any) (Letter, error) {
	t, err := template.ParseFS(files, "letters/"+name+"."+language+".txt")
	if err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	var text strings.Builder
	if err := t.Execute(&text, what); err != nil {
		return Letter{}, fmt.Errorf("write a letter: %w", err)
	}
	subject, body, _ := strings.Cut(text.String(), "\n")
	return Letter{To: to, Subject: subject, Body: body}, nil
}
