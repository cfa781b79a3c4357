package login

import (
	"context"
	"log/slog"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
)

// People may take days to prove who they are: at a Post Office, say. What an app
// had asked of them is kept by person meanwhile, for their browser will have
// forgotten it. Where that cannot be written down they go all the same.

// visitTime is how long somebody may take who goes to prove it in person, and
// until the provider has the result.
const visitTime = 17 * 24 * time.Hour

// await keeps what the app of l asks of the person who is signed in at a session,
// where t leads there; it reports whether it has.
func (f *Flow) await(ctx context.Context, l ongoing, at *standing, t trip) bool {
	if at == nil || !t.proves() || l.Request.own() {
		return false
	}
	patience := t.way.patience()
	if t.way.Config.Landing {
		patience = max(patience, visitTime)
	}
	wish := accounts.Wish{App: l.Request.App, Connector: t.way.Config.ID, Level: t.goal, Asked: f.Now(), Until: f.Now().Add(patience)}
	if kept := f.awaited(ctx, at.Account); len(kept) > 0 && renews(wish, kept[len(kept)-1]) {
		return true
	}
	err := f.Accounts.Await(ctx, at.Account, wish)
	if err != nil {
		web.Note(ctx, slog.String("unkept", err.Error()))
	}
	return err == nil
}

// renews reports whether wish is but the latest one again, for hardly longer:
// somebody has gone back and set off once more.
func renews(wish, latest accounts.Wish) bool {
	hardly := wish.Until.Sub(wish.Asked) / 20
	return wish.App == latest.App && wish.Connector == latest.Connector && wish.Level == latest.Level &&
		wish.Until.Sub(latest.Until) <= hardly
}

// grant ends the wishes that s fulfils.
func (f *Flow) grant(ctx context.Context, s Session) {
	var ids []string
	for _, wish := range f.awaited(ctx, s.Account.ID) {
		if s.Level.AtLeast(wish.Level) {
			ids = append(ids, wish.ID)
		}
	}
	if len(ids) == 0 {
		return
	}
	if err := f.Accounts.Grant(ctx, s.Account.ID, ids...); err != nil {
		web.Note(ctx, slog.String("ungranted", err.Error()))
	}
}

// awaited are the wishes of an account, the latest one last.
func (f *Flow) awaited(ctx context.Context, account string) []accounts.Wish {
	wishes, err := f.Accounts.Awaited(ctx, account)
	if err != nil {
		web.Note(ctx, slog.String("unread", err.Error()))
	}
	return wishes
}
