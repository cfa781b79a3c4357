package resident

import (
	"net/http"

	"github.com/councilid/councilid/broker/login"
	"github.com/councilid/councilid/broker/web"
)

// showDevices shows in which browsers the resident is signed in.
func (p *Pages) showDevices(w http.ResponseWriter, r *http.Request, v *visit) error {
	devices, err := p.Flow.Sessions(r.Context(), v.Account.ID)
	if err != nil {
		return err
	}
	page := web.ResidentDevices{Own: v.page(web.HereDevices)}
	for _, d := range devices {
		page.Devices = append(page.Devices, p.device(v, d))
	}
	return p.Flow.Site.Page(w, r, http.StatusOK, "resident_devices", page)
}

func (p *Pages) device(v *visit, d login.Device) web.KnownDevice {
	known := web.KnownDevice{
		ID: d.SID, Browser: d.Browser, System: d.System, By: p.connector(v, d.Connector), Shared: d.Shared,
		First: web.DateOf(d.Since), Last: web.DateOf(d.Used), Now: d.SID == v.SID,
	}
	for _, id := range d.Apps {
		if label := p.app(v, id); label != "" {
			known.Services = append(known.Services, label)
		}
	}
	return known
}

// endDevices signs out one browser, or all, or all but this. This one signs out as
// at the button for that, so that apps are told that can be told through it alone.
func (p *Pages) endDevices(w http.ResponseWriter, r *http.Request, v *visit) error {
	device, all := r.PostFormValue("device"), r.PostFormValue("all") != ""
	if device == v.SID {
		return p.Flow.Leave(w, r, login.Leaving{Certain: true})
	}
	done, err := p.end(r, v, device)
	if err != nil {
		return err
	}
	switch {
	case all:
		return p.Flow.Leave(w, r, login.Leaving{Certain: true})
	case !done.Whole():
		return p.done(w, r, v, "/my/devices", web.DidEndPartly)
	}
	return p.done(w, r, v, "/my/devices", web.DidEndDevice)
}

// end ends the session of one device, or of all others where none is named.
func (p *Pages) end(r *http.Request, v *visit, device string) (login.Receipt, error) {
	if device != "" {
		return p.Flow.EndDevice(r.Context(), v.Account.ID, device)
	}
	return p.Flow.EndAll(r.Context(), v.Account.ID, v.SID)
}
