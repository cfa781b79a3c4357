package web_test

import "github.com/councilid/councilid/broker/web"

// councilPages are the pages of the council's own way in.
func councilPages() map[string]shown {
	passkey := web.Passkey{Question: `{"challenge":"` + hostile + `"}`, Action: "/council/email/passkey?x=" + hostile}
	return map[string]shown{
		"council": {"council_sign_in", web.CouncilSignIn{Send: "/a", Help: "/h", Cancel: "/c"}},
		"council again": {"council_sign_in", web.CouncilSignIn{
			Problem: web.ProblemAddress, Saved: true, Strong: true, Passkey: passkey, Address: hostile, Send: "/a?x=" + hostile,
			Password: "/p", Help: "/h", Cancel: "/c",
		}},
		"council code": {"council_code", web.CouncilCode{
			Problem: web.ProblemCodeWrong, Address: hostile, Minutes: 10, Check: "/c", Again: "/a", Other: "/o", Cancel: "/x",
		}},
		"council code of a new address": {"council_code", web.CouncilCode{Address: hostile, Check: "/c", Other: "/o", Back: "/b"}},
		"council password": {"council_password", web.CouncilPassword{
			Problem: web.ProblemPasswordWrong, Address: hostile, Check: "/c", Other: "/o", Help: "/h", Cancel: "/x",
		}},
		"council passkey":         {"council_passkey", web.CouncilPasskey{Problem: web.ProblemPasskeyNew, Passkey: passkey, Later: "/l"}},
		"council passkey, needed": {"council_passkey", web.CouncilPasskey{Needed: true, Passkey: passkey, Later: "/l"}},
		"council help":            {"council_help", web.CouncilHelp{SignIn: "/s", Cancel: "/c", Recover: "/r"}},
		"council recover":         {"council_recover", web.CouncilRecover{Problem: web.ProblemRecover, Address: hostile, Check: "/c", Back: "/b"}},
		"council account": {"council_account", web.CouncilAccount{
			Problem: web.ProblemPasskeyNew, Done: web.DonePasswordSet, May: true, Address: hostile, Move: "/m", Passkey: passkey, Rename: "/n", Remove: "/r",
			Passkeys: []web.KnownPasskey{{ID: hostile, Name: hostile, Added: "01/02/2026", Used: "03/02/2026"}, {ID: "b", Added: "01/02/2026"}},
			Password: "/p", HasPassword: true, NoPassword: "/n", Leave: "/l", Recover: "/x",
		}},
		"council account, full": {"council_account", web.CouncilAccount{
			May: true, Full: true, Address: hostile, Move: "/m", Rename: "/n", Remove: "/r", Passkeys: []web.KnownPasskey{{ID: "b", Added: "01/02/2026"}}, Leave: "/l",
		}},
		"council account, weakly": {"council_account", web.CouncilAccount{Address: hostile, Leave: "/l", Recover: "/x"}},
		"council new password": {"council_new_password", web.CouncilNewPassword{
			Problem: web.ProblemPasswordShort, Shortest: 15, Address: hostile, Save: "/s", Back: "/b",
		}},
		"council move": {"council_move", web.CouncilMove{Problem: web.ProblemAddress, Address: hostile, To: hostile, Send: "/s", Back: "/b"}},
	}
}
