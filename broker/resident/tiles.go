package resident

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/councilid/councilid/broker/accounts"
	"github.com/councilid/councilid/broker/web"
)

// shelf are tiles by the name of their category, "" for those without one.
type shelf map[string][]web.Tile

// tiles are the council's services: those that the resident uses, the latest first,
// and the others by category.
func (p *Pages) tiles(v *visit, used []accounts.Used) (using []web.Tile, others []web.Category) {
	last := map[string]time.Time{}
	for _, u := range used {
		last[u.App] = u.Last
	}
	rest := shelf{}
	for id, app := range p.Flow.Apps {
		tile := web.Tile{ID: id, Label: app.Label.In(v.lang), Icon: app.Tile.Icon, To: p.Flow.Entrance(id), Last: web.DateOf(last[id])}
		switch {
		case app.Tile.Hidden:
		case tile.Last.Known():
			using = append(using, tile)
		default:
			rest.add(app.Tile.Category.In(v.lang), tile)
		}
	}
	for i, s := range p.Services {
		if !s.Tile.Hidden {
			rest.add(s.Tile.Category.In(v.lang), web.Tile{ID: fmt.Sprintf("%d", i), Label: s.Label.In(v.lang), Icon: s.Tile.Icon, To: s.Link})
		}
	}
	slices.SortFunc(using, func(a, b web.Tile) int {
		return cmp.Or(last[b.ID].Compare(last[a.ID]), strings.Compare(a.ID, b.ID))
	})
	return using, rest.categories()
}

func (s shelf) add(category string, tile web.Tile) { s[category] = append(s[category], tile) }

// categories are the tiles by category, in the order of their names; those without
// one come last.
func (s shelf) categories() []web.Category {
	var all []web.Category
	for _, label := range slices.Sorted(maps.Keys(s)) {
		slices.SortFunc(s[label], func(a, b web.Tile) int { return strings.Compare(a.Label, b.Label) })
		all = append(all, web.Category{Label: label, Tiles: s[label]})
	}
	if len(all) > 0 && all[0].Label == "" {
		all = append(all[1:], all[0])
	}
	return all
}
