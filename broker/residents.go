package broker

import (
	"fmt"
	"time"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/mail"
	"github.com/councilid/councilid/broker/resident"
	"github.com/councilid/councilid/config"
)

// residents opens residents' own pages.
func (b *Broker) residents(cfg *config.Config, flow *login.Flow) (*resident.Pages, error) {
	pages := &resident.Pages{
		Flow: flow, Services: cfg.Broker.Services, Residents: cfg.Broker.Residents, Council: cfg.Broker.Look.Council,
		Languages: cfg.Broker.Look.Languages, Now: time.Now,
	}
	if cfg.Broker.Mail == nil {
		return pages, nil
	}
	var err error
	if pages.Post, err = mail.Open(*cfg.Broker.Mail, b.terminal, b.log); err != nil {
		return nil, fmt.Errorf("mail: %w", err)
	}
	return pages, nil
}
