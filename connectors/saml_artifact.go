package connectors

import (
	"context"
	"crypto/rand"
	"crypto/sha1"
	"errors"
	"net/http"
	"slices"

	"github.com/councilid/councilid/connectors/saml2/binding"
	"github.com/councilid/councilid/connectors/saml2/message"
	"github.com/councilid/councilid/connectors/saml2/metadata"
)

// artifactOf is the artifact in the query or form of a request (Bindings
// §3.6.3). Of two, each reader might take another.
func artifactOf(r *http.Request) (string, bool) {
	if err := r.ParseForm(); err != nil {
		return "", false
	}
	values := r.Form["SAMLart"] // of both
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// resolve asks the provider for the response that an artifact stands for
// (Bindings §3.6.6).
func (c *samlConnector) resolve(ctx context.Context, e *metadata.Entity, artifact string) (binding.Received, error) {
	to, err := resolver(e, artifact)
	if err != nil {
		return binding.Received{}, err
	}
	id := messageID(rand.Text())
	request, err := c.sign(message.ArtifactResolve(c.header(id, to), artifact))
	if err != nil {
		return binding.Received{}, err
	}
	answer, err := binding.Call(ctx, c.post("artifact"), to, request, c.limits)
	if _, ok := errors.AsType[*Failure](err); ok {
		return answer, err
	}
	if err != nil {
		return answer, fail(Unavailable, "artifact: %w", err)
	}
	m, err := verified(ctx, c, e, func(e *metadata.Entity) (binding.Received, error) {
		return message.Resolved(answer, id, e.ID, e.Signing, c.trust())
	})
	if err != nil {
		return m, c.refused(err)
	}
	return m, nil
}

// resolver is where the provider resolves the artifact. Nobody but the browser
// vouches for the artifact: what is in it is no reason to think that metadata lacks
// something.
func resolver(e *metadata.Entity, artifact string) (string, error) {
	a, err := binding.ParseArtifact(artifact)
	if err != nil {
		return "", fail(Refused, "artifact: %w", err)
	}
	// Bindings §3.6.4: whose it is. One of another provider must not be shown
	// to this one.
	if a.SourceID != sha1.Sum([]byte(e.ID)) {
		return "", fail(Refused, "artifact: it is another provider's")
	}
	if len(e.Artifact) == 0 {
		return "", fail(Misconfigured, "artifact: the provider's metadata has no address to resolve it")
	}
	i := slices.IndexFunc(e.Artifact, func(at metadata.Endpoint) bool {
		return at.Index == a.Index && at.Binding == binding.SOAP
	})
	if i < 0 {
		return "", fail(Refused, "artifact: the provider's metadata has no address number %d to resolve it", a.Index)
	}
	return e.Artifact[i].Location, nil
}
