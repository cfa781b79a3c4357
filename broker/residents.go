package broker

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/notify"
	"github.com/councilid/councilid/broker/resident"
	"github.com/councilid/councilid/config"
)

// post hands letters to the mail server: nil where none is configured.
func (b *Broker) post(cfg *config.Config) (*mail.Post, error) {
	if cfg.Broker.Mail == nil {
		return nil, nil
	}
	post, err := mail.Open(*cfg.Broker.Mail, b.terminal, b.log)
	if err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return post, nil
}

// residents opens residents' own pages, and what tells them of what was done there.
func (b *Broker) residents(cfg *config.Config, flow *login.Flow) (*resident.Pages, *notify.Notifier, error) {
	post, err := b.post(cfg)
	if err != nil {
		return nil, nil, err
	}
	at, err := url.Parse(cfg.Broker.Issuer)
	if err != nil {
		return nil, nil, err
	}
	look := cfg.Broker.Look
	pages := &resident.Pages{
		Flow: flow, Services: cfg.Broker.Services, Residents: cfg.Broker.Residents,
		Council: look.Council, Site: at.Host, Languages: look.Languages, Post: post, Now: time.Now,
	}
	notifier := &notify.Notifier{
		DB: b.db, Accounts: flow.Accounts, Post: post,
		Council: look.Council, Site: at.Host, Languages: look.Languages, Now: time.Now, Log: b.log,
		Observe: b.metrics.letter,
	}
	return pages, notifier, nil
}

// noticeTime is how often a node looks for what residents are to be told.
const noticeTime = 5 * time.Second

// tell tells residents what was done to their accounts until ctx ends.
func (b *Broker) tell(ctx context.Context) {
	often := time.NewTicker(noticeTime)
	defer often.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-often.C:
			if err := b.current.Load().notifier.Work(ctx); err != nil && !errors.Is(err, context.Canceled) {
				b.log.Warn("residents are told later", "err", err)
			}
		}
	}
}
