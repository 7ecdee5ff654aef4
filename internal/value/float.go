package value

import (
	"math"
	"strconv"
	"strings"
)

// Whole returns a decimal number without a fraction that is only zeros and without
// an exponent, if it is whole: scripts write 700100.0 and 7.001e5 for the whole
// number 700100. Any other number stays as it is.
func Whole(decimal string) string {
	if digits, minus := strings.CutPrefix(decimal, "-"); strings.ContainsAny(digits, "eE") {
		if whole, _, ok := wholeOf(digits); !ok {
			return decimal
		} else if minus && whole != "0" {
			return "-" + whole
		} else {
			return whole
		}
	}
	if whole, fraction, ok := strings.Cut(decimal, "."); ok && strings.Trim(fraction, "0") == "" {
		return whole
	}
	return decimal
}

// Float writes a number of a spreadsheet without an exponent and with the 15
// digits that Excel keeps: the file may hold 1.1 as 1.1000000000000001. It returns
// false for a number of more than 15 digits before the point, since Excel has
// replaced the last of them by zeros.
func Float(v float64) (string, bool) {
	v, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 15, 64), 64)
	if err != nil || math.Abs(v) >= 1e15 {
		return "", false
	}
	if v == 0 {
		return "0", true // and not -0
	}
	return strconv.FormatFloat(v, 'f', -1, 64), true
}
