package council

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/go-webauthn/webauthn/protocol"
	"github.com/go-webauthn/webauthn/webauthn"

	"github.com/councilid/councilid/broker/store"
)

// ceremonies are WebAuthn's two: a passkey is made, and it is used. Both ask
// for a passkey that its device finds by itself and that verifies its user, so
// that it is two factors at once and no name has to be typed.
type ceremonies struct {
	library  *webauthn.WebAuthn
	vouchers // who is believed to say that a key cannot leave its device
}

// openCeremonies returns nil where there are no passkeys.
func openCeremonies(o Options) (*ceremonies, error) {
	if !*o.Connector.Council.Passkeys {
		return nil, nil
	}
	issuer, err := url.Parse(o.Issuer)
	if err != nil {
		return nil, err
	}
	c := &ceremonies{vouchers: vouchers{now: o.Now}}
	attestation := protocol.PreferNoAttestation
	if file := o.Connector.Council.Attestation; file != "" {
		attestation = protocol.PreferDirectAttestation
		if c.roots, err = authorities(file); err != nil {
			return nil, fmt.Errorf("attestation: %w", err)
		}
	}
	c.library, err = webauthn.New(&webauthn.Config{
		RPID: issuer.Hostname(), RPDisplayName: o.Name, RPOrigins: []string{o.Issuer},
		AttestationPreference: attestation,
		AuthenticatorSelection: protocol.AuthenticatorSelection{
			ResidentKey: protocol.ResidentKeyRequirementRequired, RequireResidentKey: protocol.ResidentKeyRequired(),
			UserVerification: protocol.VerificationRequired,
		},
		// No extension is asked for: what one answers means nothing here.
		ExtensionsUnsolicitedOutputPolicy: protocol.UnsolicitedOutputPolicyIgnore,
	})
	return c, err
}

// challenge is a question to a passkey, until it is answered: once.
var challengeTable = store.Table[webauthn.SessionData]{Name: "council-challenge"}

// challengeTime is how long a page may be open before its passkey button is
// pressed.
const challengeTime = time.Hour

// askUse makes the question to whichever passkey the resident has, as the page's
// script wants it. It is kept under h, in place of an earlier one.
func (c *ceremonies) askUse(b *store.Batch, h store.Handle) (string, error) {
	question, expected, err := c.library.BeginDiscoverableLogin()
	if err != nil {
		return "", err
	}
	challengeTable.Put(b, h, *expected, challengeTime)
	text, err := json.Marshal(question.Response)
	return string(text), err
}

// askMake makes the question for a new passkey of the user.
func (c *ceremonies) askMake(b *store.Batch, h store.Handle, who holder) (string, error) {
	question, expected, err := c.library.BeginRegistration(who, webauthn.WithExclusions(who.descriptors()))
	if err != nil {
		return "", err
	}
	challengeTable.Put(b, h, *expected, challengeTime)
	text, err := json.Marshal(question.Response)
	return string(text), err
}

// errPasskey says that an answer of a passkey cannot be accepted.
var errPasskey = errors.New("the passkey's answer does not pass")

// takeChallenge returns the question under h. It is gone then, so that no answer
// counts twice.
func takeChallenge(ctx context.Context, s *store.Store, h store.Handle) (webauthn.SessionData, error) {
	b := s.Batch()
	taken := challengeTable.Take(b, h)
	if err := b.Exec(ctx); err != nil {
		return webauthn.SessionData{}, err
	}
	expected, ok := taken.Value()
	if !ok {
		return webauthn.SessionData{}, fmt.Errorf("%w: nothing was asked, or it was answered", errPasskey)
	}
	return expected, nil
}

// used checks the answer of a passkey that was used, by the rules of WebAuthn
// Level 3 §7.2, and returns whose it is and its counter.
func (c *ceremonies) used(ctx context.Context, u users, expected webauthn.SessionData, answer string) (holder, passkey, uint32, error) {
	parsed, err := protocol.ParseCredentialRequestResponseBytes([]byte(answer))
	if err != nil {
		return holder{}, passkey{}, 0, refusal(err)
	}
	var who holder
	var missing error
	_, credential, err := c.library.ValidatePasskeyLogin(func(_, handle []byte) (webauthn.User, error) {
		who, missing = u.holder(ctx, string(handle))
		return who, missing
	}, expected, parsed)
	if missing != nil && !errors.Is(missing, errNoUser) {
		return holder{}, passkey{}, 0, missing
	}
	if err != nil {
		return holder{}, passkey{}, 0, refusal(err)
	}
	for _, p := range who.passkeys {
		if p.ID == credentialID(credential.ID) {
			return who, p, parsed.Response.AuthenticatorData.Counter, nil
		}
	}
	return holder{}, passkey{}, 0, errPasskey
}

// made checks the answer of a device that made a passkey, by the rules of
// WebAuthn Level 3 §7.1. One that says itself that it may be backed up (BE, §6.1.3)
// is not bound to its device, whoever vouches for it.
func (c *ceremonies) made(who holder, expected webauthn.SessionData, answer string) (passkey, error) {
	parsed, err := protocol.ParseCredentialCreationResponseBytes([]byte(answer))
	if err != nil {
		return passkey{}, refusal(err)
	}
	credential, err := c.library.CreateCredential(who, expected, parsed)
	if err != nil {
		return passkey{}, refusal(err)
	}
	bound := !credential.Flags.BackupEligible && c.vouched(parsed.Response.AttestationObject)
	p := passkey{ID: credentialID(credential.ID), Credential: *credential, Bound: bound}
	p.Credential.Attestation = webauthn.CredentialAttestation{} // it has been looked at, and is nobody's business any more
	return p, nil
}

// refusal is errPasskey with what the library says of the kind of mistake. What
// it says of the answer itself stays out of the log.
func refusal(err error) error {
	if e, ok := errors.AsType[*protocol.Error](err); ok {
		return fmt.Errorf("%w: %s", errPasskey, e.Type)
	}
	return errPasskey
}
