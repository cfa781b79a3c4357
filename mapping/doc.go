// Package mapping turns what an identity provider said about a person into
// OpenID Connect's standard claims, and those into what one app sees. It is
// pure: values in, values out, no clock, no network, no log.
//
// A claim crosses the broker in two steps, each a set of expressions that an
// operator wrote and that were compiled when the configuration was loaded:
//
//	provider's claims ──[Rules]──▶ [Statement] ──▶ account ──[Release]──▶ app's claims
//	                                     └─[Word]s─▶ [Precedence] ─┘
//
// [Rules] belong to a connector. They name a standard claim and say in CEL
// where the provider keeps it. What comes out always has the type that OpenID
// Connect Core §5.1 gives the claim: a provider that sends a null, an empty
// text, "true" for true or a number for a name cannot make the broker sign a
// malformed token. A claim that does not fit is left out; it never fails a
// sign-in, because the identity of the person is the connector's business and
// was settled before the rules ran.
//
// Whether a claim is believed is not for an expression to say. A Statement
// counts as verified only what the operator's trust settings name, and the
// flags email_verified and phone_number_verified are computed from those
// settings: a mapped flag can take belief away and never adds it, except
// where the e-mail policy asks for exactly that.
//
// [Release] belongs to an app. Nothing reaches an app that is not listed
// there, and of the list only what the granted scopes ask for (OpenID Connect
// Core §5.4). The subject is not a claim in this sense: it is derived from the
// account by [Pairwise]. A SAML app sees claims under the names that
// [AttributeName] gives them.
//
// Between the two, what several sources said of one person at different times is
// kept as [Word]s, each with its source. Which of them an app is told is decided anew
// at every sign-in by [Precedence.Weigh]: whose word the operator prefers, and how
// sure that source and this sign-in are of the person.
//
// # Assurance
//
// How sure the provider is of a sign-in is an [Assurance]: a vector of four
// components that is read by [Rules.Assess] from the documents that the provider
// signed, and from nothing else it said. Vectors only ever meet and join; nothing
// is added up. What a session is worth follows from [Effective] alone.
//
//	signed documents ──[Rules.Assess]──▶ proved ──[Effective]──▶ session's level
//
// # Expressions
//
// The language is CEL (cel.dev) with its string functions (trim, replace,
// substring, split, join, lowerAscii and so on) and optional fields. One variable is
// declared, claims, or person in a simulator's rules. It is dynamic, as JSON
// is, so most mistakes in a path show only as an absent claim; wrong function
// names, wrong variables and wrong result types show at load.
//
//	claims.email                                      a claim
//	claims["https://vocab.example/uprn"]              a claim whose name is a URL
//	claims.?nickname.orValue(claims.login)            one or the other
//	claims.xms_edov in [true, "true", "1", 1]         a boolean in four spellings
//	string(int(claims.id))                            a whole number as text
//	claims.names.filter(n, !has(n.validUntil))[0]     the current one of a list
//
// Three things surprise people. A missing claim is an error inside an
// expression, which here means that the target is left out. has() wants a
// dotted path; for a name in brackets write "name" in claims. And JSON's
// numbers are floating point: string(claims.id) of 12345678 is "1.2345678e+07",
// so whole numbers go through int() first.
package mapping
