package connectors

import (
	"context"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/councilid/councilid/config"
	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
	"github.com/councilid/councilid/connectors/saml2/xmlgate"
	"github.com/councilid/councilid/connectors/saml2/xmlsig"
)

// samlConnector speaks SAML 2.0: the Web Browser SSO profile (Profiles §4.1)
// and the Single Logout profile (§4.4), the broker being the service provider.
type samlConnector struct {
	*Outbound
	words
	settings    config.SAML
	asks        []config.Ask
	provider    *metadata.Watched
	published   published
	limits      xmlgate.Limits
	acs         string // where responses come to
	slo         string // where logout messages come to
	council     string // who we are, for people
	contact     string
	credentials func() []xmlsig.Credential
	now         func() time.Time
}

func openSAML(cfg config.Connector, o Options) (Connector, error) {
	if o.Credentials == nil {
		return nil, errors.New("saml: there are no credentials")
	}
	words, err := wordsOf(cfg)
	if err != nil {
		return nil, err
	}
	settings := *cfg.SAML
	if settings.EntityID == "" {
		settings.EntityID = o.EntityID
	}
	c := &samlConnector{
		words: words, settings: settings, asks: cfg.Ask, limits: limitsOf(settings.Response),
		acs: o.Redirect, slo: o.Logout, council: o.Council, contact: o.Contact,
		credentials: o.Credentials, now: o.Now,
	}
	if c.provider, err = c.watch(o.Log); err != nil {
		return nil, fmt.Errorf("saml.metadata: %w", err)
	}
	c.Outbound, err = OpenOutbound(cfg.ID, cfg.Network, append(written(cfg), c.writtenEndpoints()...), o)
	return c, err
}

// limitsOf raises the limits of the gate for a provider that may send so many
// values: each is an element, and with its markup takes some 400 bytes once it
// is encrypted.
func limitsOf(r config.SAMLResponse) xmlgate.Limits {
	return xmlgate.Limits{Bytes: 1<<20 + r.MaxValues*400, Elements: 20_000 + 2*r.MaxValues}
}

// Start implements [Connector]: an AuthnRequest (Core §3.4.1).
func (c *samlConnector) Start(ctx context.Context, a Attempt) (Redirect, error) {
	if c.settings.Response.Binding == "artifact" {
		if err := c.ready(); err != nil {
			return Redirect{}, err
		}
	}
	e, err := c.entity(ctx)
	if err != nil {
		return Redirect{}, err
	}
	by := binding.Redirect
	if c.settings.Request.Binding == "post" {
		by = binding.POST
	}
	to, ok := metadata.Find(e.SSO, by)
	if !ok {
		return Redirect{}, fail(Misconfigured, "request: the provider's metadata has no address for binding %s", c.settings.Request.Binding)
	}
	request := c.request(a, to.Location)
	return c.send(to.Location, by, binding.Request, request.Element(), a.State, enabled(c.settings.Request.Sign))
}

// Finish implements [Connector]: the response, by POST or as an artifact.
func (c *samlConnector) Finish(ctx context.Context, a Attempt, r *http.Request) (*Assertion, error) {
	if a.Nonce == "" && c.settings.Response.UnsolicitedApp == "" {
		return nil, fail(Refused, "response: nobody asked for it")
	}
	e, err := c.entity(ctx)
	if err != nil {
		return nil, err
	}
	m, err := c.receive(ctx, e, r)
	if err != nil {
		return nil, err
	}
	facts, err := verified(ctx, c, e, func(e *metadata.Entity) (*message.Facts, error) {
		return message.Consume(m, c.expect(e, a))
	})
	if err != nil {
		return nil, c.refused(err)
	}
	if err := c.check(a, facts); err != nil {
		return nil, err
	}
	return c.assertion(e, facts)
}

// receive takes the response off the request, or fetches it by the artifact in
// its place. It comes by the binding that was asked for and by no other.
func (c *samlConnector) receive(ctx context.Context, e *metadata.Entity, r *http.Request) (binding.Received, error) {
	artifact, ok := artifactOf(r)
	switch byArtifact := c.settings.Response.Binding == "artifact"; {
	case byArtifact && ok:
		return c.resolve(ctx, e, artifact)
	case byArtifact:
		return binding.Received{}, fail(Refused, "response: there is no artifact")
	case ok:
		return binding.Received{}, fail(Refused, "response: an artifact, which nobody asked for")
	case r.Method != http.MethodPost: // Profiles §4.1.2: no response comes by redirect
		return binding.Received{}, fail(Refused, "response: it did not come by POST")
	}
	m, err := binding.Read(r, c.limits)
	if err != nil {
		return m, fail(Refused, "response: %w", err)
	}
	if m.Parameter != binding.Response {
		return m, fail(Refused, "response: it is a request")
	}
	return m, nil
}

// refused is how a response ends that was not accepted.
func (c *samlConnector) refused(err error) error {
	if status, ok := errors.AsType[*message.StatusError](err); ok {
		return c.declined(status.Status)
	}
	return fail(Refused, "%w", err)
}

// entity is the provider, as its metadata describes it.
func (c *samlConnector) entity(ctx context.Context) (*metadata.Entity, error) {
	e, err := c.provider.Get(ctx)
	if _, ok := errors.AsType[*Failure](err); ok {
		return nil, err
	}
	if err != nil {
		return nil, fail(Unavailable, "%w", err)
	}
	if len(e.Signing) == 0 {
		return nil, fail(Misconfigured, "the provider's metadata has no key that signs")
	}
	return e, nil
}

// verified is what read finds by the provider's keys. Where it finds a reason to
// refuse, it reads again by the keys of today, if they are others: the provider
// may have rolled them over since. What nobody signed no other key makes good.
func verified[T any](ctx context.Context, c *samlConnector, e *metadata.Entity, read func(*metadata.Entity) (T, error)) (T, error) {
	found, err := read(e)
	if _, told := errors.AsType[*message.StatusError](err); err == nil || told || errors.Is(err, xmlsig.ErrUnsigned) {
		return found, err
	}
	if e = c.provider.Renew(ctx, e); e == nil {
		return found, err
	}
	return read(e)
}

// credential is what signs.
func (c *samlConnector) credential() (xmlsig.Credential, error) {
	all := c.credentials()
	if len(all) == 0 {
		return xmlsig.Credential{}, fail(Misconfigured, "there is no key to sign with")
	}
	return all[0], nil
}

// certificates are all that sign or decrypt, now or soon.
func (c *samlConnector) certificates() []*x509.Certificate {
	var all []*x509.Certificate
	for _, credential := range c.credentials() {
		all = append(all, credential.Certificate)
	}
	return all
}

func (c *samlConnector) decrypters() []crypto.Decrypter {
	var all []crypto.Decrypter
	for _, credential := range c.credentials() {
		if d, ok := credential.Signer.(crypto.Decrypter); ok {
			all = append(all, d)
		}
	}
	return all
}

// trust is whose signatures are believed, and by which algorithms.
func (c *samlConnector) trust() xmlsig.Policy {
	r := c.settings.Response
	p := xmlsig.Policy{EnforceExpiry: r.EnforceExpiry}
	for _, name := range r.Algorithms {
		p.Algorithms = append(p.Algorithms, xmlsig.Algorithm(name))
	}
	if r.InsecureAllowSHA1 {
		p.Algorithms = append(p.Algorithms, xmlsig.RSASHA1)
	}
	return p
}

func (c *samlConnector) algorithm() xmlsig.Algorithm {
	return xmlsig.Algorithm(c.settings.Request.Algorithm)
}

// enabled is a switch that is on where nothing else is written.
func enabled(setting *bool) bool { return setting == nil || *setting }
