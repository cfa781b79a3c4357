// Package login is the protocol-neutral middle of the broker: it brings a
// resident from an app's request to a session that is worth what the app needs,
// by way of one connector or of several.
//
//	app ──▶ front end (op, idp): parses its protocol into a Request
//	            │ Begin
//	            ▼
//	┌───────▶ next ──issue─▶ release ───▶ front end Issue ──▶ app
//	│           │              └─doubt─▶ GET|POST /acting, /consent ─▶ next
//	│           │  └─refuse─▶ front end Refuse ─▶ app
//	│    choose │ start
//	│           ▼
//	│  GET /choose ──▶ GET /start/{connector} ──▶ provider
//	│                                               │
//	│       GET|POST /callback/{connector} ◀────────┘
//	│           │ connector.Finish → rules → arrival
//	│           ▼
//	│  whose account is it? ──not of who is signed in──▶ GET|POST /who, /apart
//	│           │         └─nobody's, but perhaps known─▶ GET|POST /before
//	│           │                                         │
//	└─ session ◀┴─────────────────────────────────────────┘
//
// Pages of the broker's own begin here as apps do (SignIn, Refresh, Add), with a
// Request that ends at the page.
//
// and out again, whoever starts: an app, the resident, the provider, or another
// person who signs in.
//
//	app ──▶ front end ─┐                ┌▶ front end End, Tell ──▶ apps
//	POST /sign-out ────┼▶ Leave ─ end ──┤ (from server to server)
//	/logout/{connector}┘                └▶ front end Ask ──▶ app ─┐ one after
//	                                       Logouter ──▶ provider ─┤ the other
//	                   front end Left ◀─ goOn ◀─ Answered ◀───────┘
//
// What a provider tells of an account from server to server (/events/{connector},
// /logout/{connector}/backchannel) ends sessions on the same road, and lets links
// lead in or not (accounts.Freeze, Thaw, Unlink).
//
// One rule keeps it simple: next alone decides what a request leads to, and it
// is a function from values to values. It is asked again whenever somebody has
// signed in, for that may not be enough: then they go to prove more, and each step
// of a provider is taken once in a login. The callback decides only whether the
// provider's answer will do. A page never leads to another page by itself.
//
// next does not ask what only the resident can say: release does, when all else is
// done, and nothing is issued before. What they withdraw later is over at once, on
// every node (StopSharing, EndDelegation).
//
// Every step may land on any node. What a step must remember is in Redis under
// the login's own tag: the request (named by the tag alone and bound to the
// browser by cookie), and each attempt (named by the state that the provider
// sends back). The request is taken, not read, when an answer comes, and the
// attempt ends with it: of two tabs that finish the same login one wins, and
// the other is shown a way on.
//
// Two tabs that finish two logins at once make one session where there was one before.
// In a browser without a session, neither knows of the other: both make one, and the
// cookie names the later. Nobody can use the earlier one, which is in the list of
// devices, ends with all of them, with its way in and for want of use; but a sign-out
// in that browser does not find it. To notice it would cost every sign-in another
// write, and apps know the earlier one by its SID already.
package login
