package patient

import "strings"

// A set is held to bring BSNs as patient numbers where bsnRows numbers or more
// stand in it and bsnShare percent of these pass the 11-proef (product.md, "BSN
// is forbidden").
const (
	bsnRows  = 10
	bsnShare = 90
)

// MostlyBSN tells whether a set with so many patient numbers, so many of which
// look like a BSN, must be refused.
func MostlyBSN(numbers, bsns int) bool { return numbers >= bsnRows && bsns*100 >= numbers*bsnShare }

// separators are what people write between the digits of a BSN.
var separators = strings.NewReplacer(" ", "", ".", "", "-", "")

// LooksLikeBSN is the 11-proef on nine digits; a lost leading zero is restored.
func LooksLikeBSN(number string) bool {
	number = separators.Replace(number)
	if len(number) == 8 {
		number = "0" + number
	}
	if len(number) != 9 || number == "000000000" {
		return false
	}
	sum := 0
	for i, c := range []byte(number) {
		if c < '0' || c > '9' {
			return false
		}
		weight := 9 - i
		if i == 8 {
			weight = -1
		}
		sum += weight * int(c-'0')
	}
	return sum%11 == 0
}
