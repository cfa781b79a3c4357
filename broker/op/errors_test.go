package op

import (
	"errors"
	"fmt"
	"testing"

	"github.com/councilid/councilid/broker/db"
	"github.com/councilid/councilid/broker/store"
)

// Of an error that is not about the request apps learn only whether to come
// again.
func TestKnown(t *testing.T) {
	refusal := refused(invalidGrant, "no")
	for _, test := range []struct {
		err    error
		code   string
		status int
	}{
		{fmt.Errorf("wrapped: %w", refusal), invalidGrant, 400},
		{fmt.Errorf("wrapped: %w", store.ErrUnavailable), temporarilyUnavailable, 503},
		{fmt.Errorf("wrapped: %w", db.ErrUnavailable), temporarilyUnavailable, 503},
		{errors.New("the password is 1234"), serverError, 500},
	} {
		got := known(test.err)
		if got.Code != test.code || got.Status != test.status || (got.RetryAfter > 0) != (test.status == 503) {
			t.Errorf("%v: got %+v", test.err, got)
		}
		if got.Code == serverError && got.Description != "the request could not be completed" {
			t.Errorf("told: %s", got.Description)
		}
	}
}
