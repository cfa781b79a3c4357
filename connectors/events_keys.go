package connectors

import (
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/go-jose/go-jose/v4"
)

// postedKeys verify tokens that anybody may post. keySet.verify fetches the keys
// again for each token that none of them made; here strangers could have the
// provider called as often as they like.
type postedKeys struct {
	*keySet
	now func() time.Time

	mu      sync.Mutex
	renewed time.Time // when the keys were last fetched for an unknown one
}

// renewPause is how long after that nobody asks for them again.
const renewPause = time.Minute

// verify returns what a token says that is of a type and signed with one of the
// keys.
func (p *postedKeys) verify(ctx context.Context, token, typ string) ([]byte, error) {
	jws, err := jose.ParseSignedCompact(token, p.algorithms)
	if err != nil {
		return nil, reject(invalidRequest, "it is no token, or its algorithm is not accepted")
	}
	header := jws.Signatures[0].Protected
	if said, _ := header.ExtraHeaders[jose.HeaderType].(string); !typed(said, typ) {
		return nil, reject(invalidRequest, "typ is that of another kind of token")
	}
	keys, err := p.keys.hold(ctx)
	if err != nil {
		return nil, err
	}
	if payload, ok := p.verifyAny(jws, keys.value); ok {
		return payload, nil
	}
	named := func(key jose.JSONWebKey) bool { return key.KeyID == header.KeyID }
	if header.KeyID != "" && slices.ContainsFunc(keys.value, named) {
		return nil, reject(invalidKey, "the key that it names did not make the signature")
	}
	return p.verifyRenewed(ctx, jws, keys.loaded)
}

// verifyRenewed tries keys that are newer than those seen: the sender may have a new one.
func (p *postedKeys) verifyRenewed(ctx context.Context, jws *jose.JSONWebSignature, seen time.Time) ([]byte, error) {
	if !p.due() {
		return nil, fail(TryLater, "event: the key is unknown, and the sender's keys were fetched just now")
	}
	keys, err := p.keys.renew(ctx, seen)
	if err != nil {
		return nil, err
	}
	payload, ok := p.verifyAny(jws, keys.value)
	if !ok {
		return nil, reject(invalidKey, "no key of the sender's made the signature")
	}
	return payload, nil
}

func (p *postedKeys) due() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now := p.now(); now.Sub(p.renewed) >= renewPause {
		p.renewed = now
		return true
	}
	return false
}

// typed reports whether a typ header says want, or nothing that contradicts it:
// explicit typing is recommended only (RFC 8417 §2.3), and JWT is what any token
// may say (RFC 7519 §5.1).
func typed(said, want string) bool {
	said = strings.TrimPrefix(strings.ToLower(said), "application/")
	return said == "" || said == "jwt" || said == want
}
