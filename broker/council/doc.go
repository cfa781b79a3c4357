// Package council is the council's own way in, for people who have none of the
// other providers: an e-mail address that its owner has shown to read, with
// passkeys and perhaps a password. To the login it is a connector like any
// other; its provider is the pages of this package.
//
//	login Start ──▶ GET sign-in ──┬─ POST passkey ─────────────────┐
//	                  │           └─ GET|POST password ──┐ enough  │
//	             POST address                            │         │
//	                  ▼ a code is mailed ◀── not enough ─┤         │
//	             GET|POST code ──────────────────────────┴────▶ proved
//	                                                               │
//	                    GET|POST passkey/new ◀── who has none ─────┤
//	                       │ made, or POST later                   │
//	                       └──────────▶ answer ◀───────────────────┘
//	                                      │
//	login Finish ◀── /callback/{connector}┴──▶ GET account, for visits to that
//
// Its rules:
//
//   - Nobody learns whether an address is known. To sign in and to create an
//     account is one thing: an address becomes a user when it is shown to be read.
//     Who turns back then is forgotten after a while.
//   - A visit belongs to the browser that opened its first page, and so does a
//     code. Codes, challenges and answers are taken before they are looked at: of
//     many who bring one, on any node, one finds it.
//   - Pages are shown by GET, and what a form led to is kept with the visit: Back,
//     Reload and the language switch do what people expect. Only passkeys need a
//     script.
//   - How somebody signs in is changed by whoever has just signed in by the
//     strongest way that there is, and no longer by anybody who was about to. Whoever
//     is signed in elsewhere is not any more.
//   - What may be tried about an address is limited. Strangers who use that up keep
//     nobody out of a browser in which they have signed in before.
//   - Who has shown what is said in one word, the [method]; what it is worth is in
//     the connector's preset.
package council
