package delivery

// NewRemark returns a Remark. args are pairs of a name and a value.
func NewRemark(code string, args ...string) Remark {
	r := Remark{Code: code}
	for i := 0; i+1 < len(args); i += 2 {
		if r.Args == nil {
			r.Args = map[string]string{}
		}
		r.Args[args[i]] = args[i+1]
	}
	return r
}
