package council

import (
	"embed"
	"net/http"

	"github.com/councilid/councilid/broker/mail"
)

// contents are what a letter is about.
type contents struct {
	Code    string // to be typed
	Minutes int    // for how long
	What    string // what was changed, one of web.Done…

	Council, Site string // who writes
}

//go:embed letters/*.txt
var letters embed.FS

// write writes the letter called name in the language of the request.
func (c *Council) write(r *http.Request, to address, name string, what contents) (mail.Letter, error) {
	what.Council, what.Site = c.Name, c.site
	return mail.Write(letters, to.Text, c.Site.Language(r), name, what)
}
