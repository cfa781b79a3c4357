// Package broker puts the rooms of the house together: which URL does what is
// the list below, what each room needs is in [Open].
//
//	GET  /           GET /sign-in           home                     resident
//	GET|POST /my/…                          residents' own pages     resident
//	GET|POST /authorize                     an app asks              op
//	POST /token      GET|POST /userinfo     an app fetches           op
//	POST /revoke     POST /introspect       an app manages tokens    op
//	GET|POST /end_session                   an app signs out         op
//	POST /end_session/confirm               the resident agrees      op
//	GET  /.well-known/…  GET /jwks          what an app reads first  op
//	GET|POST /saml/sso                      an app asks              idp
//	GET  /saml/start/{app}                  nobody asks              idp
//	GET|POST /saml/slo   POST /saml/soap    an app signs out         idp
//	GET  /saml/metadata                     what an app reads first  idp
//	GET  /choose     GET /start/{connector} the resident chooses     login
//	GET  /later      GET /cancel            … puts it off, gives up  login
//	POST /shared                            … shares the browser     login
//	GET|POST /before                        perhaps known already    login
//	GET  /before/{connector}                … and about to prove it  login
//	GET|POST /who                           somebody else came back  login
//	GET|POST /apart                         … and proved to be so    login
//	GET|POST /acting                        for whom they come       login
//	GET|POST /consent                       and whether they share   login
//	GET|POST /callback/{connector}          a provider answers       login
//	POST /unsolicited/{connector}           and nobody had asked     login
//	GET  /landing/{connector}  GET /landed  or days later            login
//	GET|POST /logout/{connector}            a provider signs out     login
//	POST /logout/{connector}/soap           the same, without a browser
//	POST /logout/{connector}/backchannel    and by OpenID Connect
//	POST /events/{connector}                a provider tells         login
//	POST /events/{connector}/deletion       a resident asked there to be forgotten
//	GET  /deletion-status/{code}            and what became of that  login
//	GET  /connectors/{connector}/metadata   what a provider reads    login
//	GET|POST /council/{connector}/…         the council's own way in council
//	GET|POST /sign-out                      the resident signs out   login
//	GET  /sign-out/continue                 and has read the receipt login
//	GET  /assets/…   GET /language          style and languages      web
//
// On the admin listener: /metrics, /healthz, /readyz, /debug/pprof.
//
// The stores live as long as the process; everything made from the operator's
// folder can be made anew while they live: [Broker.Reload] is all or nothing.
package broker
