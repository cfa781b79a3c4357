package login

import (
	"errors"
	"net/http"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/connectors"
)

// errNoWay is the cause of a page that is not found.
var errNoWay = errors.New("no connector of that name has such an address")

// handleMetadata publishes what a provider reads to know the broker: SAML
// metadata.
func (f *Flow) handleMetadata(w http.ResponseWriter, r *http.Request) error {
	way, _ := f.way(r.PathValue("connector"))
	publisher, ok := way.Connector.(connectors.Publisher)
	if !ok {
		return &web.Error{Status: http.StatusNotFound, Message: web.NotFound, Err: errNoWay}
	}
	body, mediaType, err := publisher.Metadata(r.Context())
	if err != nil {
		return err
	}
	// Less than a new key is published before it signs.
	w.Header().Set("Cache-Control", "public, max-age=3600")
	w.Header().Set("Content-Type", mediaType)
	_, err = w.Write(body)
	return err
}
