package op

import (
	"context"
	"errors"
	"net/http"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/connectors"
)

// Tell implements [login.FrontEnd].
func (s *Server) Tell(ctx context.Context, u login.Use) (bool, error) { return false, nil }

// Ask implements [login.FrontEnd].
func (s *Server) Ask(ctx context.Context, u login.Use, id string) (connectors.Redirect, error) {
	return connectors.Redirect{}, nil
}

// Left implements [login.FrontEnd].
func (s *Server) Left(w http.ResponseWriter, r *http.Request, l login.Leaving, done login.Receipt) error {
	return errors.New("left: stub")
}
