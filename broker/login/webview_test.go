package login

import "testing"

// What browsers, and windows within apps, call themselves.
func TestEmbedded(t *testing.T) {
	const (
		iphone  = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		ipad    = "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) "
		android = "Mozilla/5.0 (Linux; Android 14; Pixel 8 Build/AP1A.240505.005; wv) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/125.0.6422.165 Mobile Safari/537.36"
	)
	for agent, want := range map[string]bool{
		// Windows within apps.
		android: true,
		android + " [FB_IAB/FB4A;FBAV/468.0.0.55.105;]":                                                        true,
		android + " Instagram 334.0.0.42.95 Android (34/14; 420dpi; 1080x2209; Google/google; Pixel 8; shiba)": true,
		android + " musical_ly_2023504030 JsSdk/1.0 NetType/WIFI Channel/googleplay ByteLocale/en":             true,
		android + " LinkedIn/4.1.940": true,
		iphone + "Mobile/15E148 [FBAN/FBIOS;FBAV/468.0.0.36.109;FBBV/608893512;FBDV/iPhone14,7;FBMD/iPhone]": true,
		iphone + "Mobile/15E148 Instagram 334.0.4.32.98 (iPhone14,7; iOS 17_5_1; en_GB; en-GB; scale=3.00)":  true,
		iphone + "Mobile/15E148 Safari Line/14.9.0":                                                          true,
		iphone + "Mobile/15E148 musical_ly_34.9.0 BytedanceWebview/d8a21c6 JsSdk/2.0":                        true,
		iphone + "Mobile/15E148 Snapchat/12.89.0.40 (like Safari/8617.2.4.10.8, panda)":                      true,
		iphone + "Mobile/15E148 [LinkedInApp]/9.29.6422":                                                     true,
		iphone + "Mobile/15E148 Twitter for iPhone/10.44":                                                    true,
		iphone + "Mobile/15E148 [Pinterest/iOS]":                                                             true,
		iphone + "Mobile/15E148 MicroMessenger/8.0.49(0x18003137) NetType/WIFI Language/en":                  true,
		iphone + "Mobile/15E148": true, // any app
		ipad + "Mobile/15E148":   true,
		"Mozilla/5.0 (Linux; Android 4.4.4; SM-T560 Build/KTU84P) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 Chrome/33.0.0.0 Safari/537.36": true,

		// Browsers.
		iphone + "Version/17.5 Mobile/15E148 Safari/604.1":                                                                                    false,
		iphone + "CriOS/125.0.6422.80 Mobile/15E148 Safari/604.1":                                                                             false,
		iphone + "FxiOS/126.0 Mobile/15E148 Safari/605.1.15":                                                                                  false,
		iphone + "EdgiOS/124.0.2478.89 Version/17.0 Mobile/15E148 Safari/604.1":                                                               false,
		iphone + "GSA/317.0.634488990 Mobile/15E148 Safari/604.1":                                                                             false,
		iphone + "Version/17.5 Mobile/15E148 DuckDuckGo/7 Safari/605.1.15":                                                                    false,
		ipad + "Version/16.6 Mobile/15E148 Safari/604.1":                                                                                      false,
		"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15":               false,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Mobile Safari/537.36":                     false,
		"Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/25.0 Chrome/121.0.0.0 Mobile Safari/537.36": false,
		"Mozilla/5.0 (Android 14; Mobile; rv:126.0) Gecko/126.0 Firefox/126.0":                                                                false,
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0.0.0 Safari/537.36 Edg/125.0.0.0":       false,
		"Mozilla/5.0 (X11; Linux x86_64; rv:126.0) Gecko/20100101 Firefox/126.0":                                                              false,
		"": false,
	} {
		if got := embedded(agent); got != want {
			t.Errorf("embedded = %v: %s", got, agent)
		}
	}
}
