package accounts

// EnterQuery is the one statement of a returning resident's sign-in.
const EnterQuery = enter
