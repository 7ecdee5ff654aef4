// Package columns finds out what the columns of a file hold: which table and which
// row is the header, which field each column is, and so which kind of file it is.
// It also makes what the page shows on which a user assigns columns, and describes
// to users which columns a file may have.
//
// It works on headers and the first rows. It never sees an identity as such, and
// what it says repeats no value but dates, plain numbers and codes for a sex.
package columns
