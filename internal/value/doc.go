// Package value is the one place where written text becomes a value: the cell of
// a file in any format, the field of a form, the words in a search box.
//
// Each kind of value has one file, which holds all that is known of its ways of
// writing: text.go, float.go, number.go (patient numbers and BSNs), date.go and
// epoch.go, datecolumn.go (a column of dates judged as a whole), moment.go, sex.go.
//
// The package never sees whose value it reads, keeps none and logs none.
package value
