package idp

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/councilid/councilid/broker/web"
	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
	"github.com/councilid/councilid/mapping"
)

// app is an app's registration, made ready for use. It does not change; what
// the app's metadata says may.
type app struct {
	config.App
	saml     config.AppSAML
	entityID string
	entity   func(context.Context) (*metadata.Entity, error) // what the metadata says now
	outbound *connectors.Outbound                            // calls the app
	release  release
	nameID   *mapping.Expression // of nameid.value; nil for the pairwise subject
	contexts contexts
	policy   xmlsig.Policy
}

// party is an app with what its metadata says now.
type party struct {
	*app
	metadata *metadata.Entity
}

func (s *Server) newApp(registered config.App) (*app, error) {
	a := &app{App: registered, saml: *registered.SAML, contexts: registered.SAML.Contexts}
	var err error
	if a.release, err = newRelease(registered, s.Config.Scopes); err != nil {
		return nil, err
	}
	if value := a.saml.NameID.Value; value != "" {
		expression, mistake := mapping.CompileExpression("claims", value)
		if mistake != nil {
			return nil, fmt.Errorf("nameid.value: %w", mistake)
		}
		a.nameID = expression
	}
	if a.saml.InsecureAllowSHA1 {
		a.policy.Algorithms = []xmlsig.Algorithm{
			xmlsig.RSASHA256, xmlsig.RSASHA384, xmlsig.RSASHA512,
			xmlsig.ECDSASHA256, xmlsig.ECDSASHA384, xmlsig.ECDSASHA512, xmlsig.RSASHA1,
		}
	}
	return a, s.introduce(a)
}

// now is the app with its metadata. Where that cannot be had, this app's
// residents are told to come again; the other apps go on.
func (a *app) now(ctx context.Context) (party, error) {
	e, err := a.entity(ctx)
	if err != nil {
		return party{}, &web.Error{
			Status: http.StatusServiceUnavailable, Message: web.Unavailable, Retry: time.Minute,
			Err: fmt.Errorf("metadata of app %s: %w", a.ID, err),
		}
	}
	return party{a, e}, nil
}

// mustSign reports whether the app's sign-in requests are only believed with a
// signature.
func (p party) mustSign() bool {
	return p.saml.Requests == "required" || p.saml.Requests == "auto" && p.metadata.AuthnRequestsSigned
}

// mustSignLogout reports whether its logout messages are.
func (p party) mustSignLogout() bool { return !p.saml.Logout.InsecureUnsigned }

// algorithm signs what is said to the app.
func (a *app) algorithm() xmlsig.Algorithm { return xmlsig.Algorithm(a.saml.Algorithm) }

// home is where a resident who got lost is sent: to the app, else to the
// broker's own front page.
func (a *app) home() string {
	if a.Home != "" {
		return a.Home
	}
	return "/"
}

// formats are the name identifier formats that the app may get, by SAML's
// names.
func (a *app) formats() []string {
	uris := make([]string, len(a.saml.NameID.Formats))
	for i, name := range a.saml.NameID.Formats {
		uris[i] = nameIDFormats[name]
	}
	return uris
}

// nameIDFormats are SAML's names of the formats that operators write.
var nameIDFormats = map[string]string{
	"persistent":  message.Persistent,
	"transient":   message.Transient,
	"email":       message.Email,
	"unspecified": message.Unspecified,
}
