package keys

import "context"

// Renew does once what Run does every minute.
func (r *Ring) Renew(ctx context.Context) error { return r.renew(ctx, r.due) }
