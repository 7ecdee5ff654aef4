package delivery

// NewRemark returns a Remark with arguments: a name and a value by turns.
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
