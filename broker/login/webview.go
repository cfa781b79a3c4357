package login

import (
	"strings"

	"github.com/councilid/councilid/connectors"
)

// Some apps open links in a window of their own. What it shows it can read, so
// that providers who care about their people's passwords refuse to be shown
// there. Residents are told before they run into that.

// inApp is the notice of a provider that refuses such windows.
const inApp connectors.Outcome = "in_app"

// refuses reports whether the provider lets nobody sign in from a browser that
// calls itself userAgent.
func (w *Way) refuses(userAgent string) bool {
	return w.Config.WebViews == "refused" && embedded(userAgent)
}

// embedders are the names under which apps show pages within themselves.
var embedders = []string{
	"; wv)", // any app on Android since 5
	"FBAN/", "FBAV/", "FB_IAB/", "Instagram ", "Line/", "musical_ly", "BytedanceWebview", "trill_", "Snapchat/", "LinkedInApp",
	"Twitter for i", "TwitterAndroid", "Pinterest/", "MicroMessenger/",
}

// embedded reports whether a browser that calls itself userAgent is a window
// within another app. Apps may call themselves what they like: it is good for
// advice, and nothing else depends on it.
func embedded(userAgent string) bool {
	for _, name := range embedders {
		if strings.Contains(userAgent, name) {
			return true
		}
	}
	// Browsers on iOS say Safari, whoever makes them; windows within apps do not.
	ios := strings.Contains(userAgent, "AppleWebKit/") && strings.Contains(userAgent, "Mobile/") &&
		(strings.Contains(userAgent, "iPhone") || strings.Contains(userAgent, "iPad") || strings.Contains(userAgent, "iPod"))
	// So did Android before 5, by a version of its own beside Chrome's.
	old := strings.Contains(userAgent, "Android") && strings.Contains(userAgent, "Version/4.0 Chrome/")
	return ios && !strings.Contains(userAgent, "Safari/") || old
}
