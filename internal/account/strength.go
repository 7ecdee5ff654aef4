package account

import (
	_ "embed"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The errors of a new password that is easily guessed.
var (
	ErrPasswordCommon = errors.New("this password is among the first that others would guess: " +
		"it is made of common words, names, years or patterns. Take four words that have nothing to do with each other, or a random one")
	ErrPasswordContext = errors.New("this password is made of your own address, the name of your centre or the name of this program. " +
		"Take four words that have nothing to do with each other, or a random one")
)

// minEffort is the effort that it takes at least to guess a password. A character that
// fits in no pattern counts as 1, a common word as 3, and whatever repeats or follows
// from what is before it as 1. So wachtwoord12 is 5, "correct horse" 7, and
// "correct horse battery staple" 15.
const (
	minEffort  = 9
	wordEffort = 3
)

// The lengths of words that are looked up.
const (
	shortestWord    = 4
	longestWord     = 24
	shortestContext = 3
	shortestRun     = 3
	longestPart     = 64 // of a repetition
)

//go:embed common/passwords.txt
var commonPasswords string

// commonWords is the list as a set. It is made when the first password is set, which
// in most processes is never.
var commonWords = sync.OnceValue(func() map[string]bool {
	set := make(map[string]bool, 60_000)
	for word := range strings.Lines(commonPasswords) {
		set[strings.TrimSuffix(word, "\n")] = true
	}
	return set
})

// CheckPasswordStrength returns why a new password is not accepted. About is what
// others know of its owner: the e-mail address, the name of the centre.
func CheckPasswordStrength(password string, about ...string) error {
	password = norm.NFC.String(password)
	switch n := len([]rune(password)); {
	case n < MinPasswordLength:
		return ErrPasswordTooShort
	case n > MaxPasswordLength:
		return ErrPasswordTooLong
	}
	own := contextWords(append(about, "sluis"))
	with, without := effort(password, own), effort(password, nil)
	switch {
	case without < minEffort:
		return ErrPasswordCommon
	case with < minEffort:
		return ErrPasswordContext
	}
	return nil
}

// contextWords returns the words that occur in texts, in lower case.
func contextWords(texts []string) map[string]bool {
	words := map[string]bool{}
	for _, text := range texts {
		for _, w := range strings.FieldsFunc(plain(text), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }) {
			if len(w) >= shortestContext {
				words[w] = true
			}
		}
	}
	return words
}

// plain is text in lower case and without accents.
func plain(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsMark(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, norm.NFKD.String(text))
}

// leet are the letters that people write as a digit or sign.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "@", "a", "5", "s", "$", "s", "7", "t", "!", "i", "|", "l")

// effort is how much work it is to guess a password, when the words in own are tried
// first. Digits for letters are tried too, and cost nothing.
func effort(password string, own map[string]bool) int {
	as := plain(password)
	return min(effortOf(as, own), effortOf(leet.Replace(as), own))
}

// effortOf finds the cheapest way to write text as words, patterns and characters.
func effortOf(text string, own map[string]bool) int {
	var starts []int // of each character, and the end
	for i := range text {
		starts = append(starts, i)
	}
	starts = append(starts, len(text))
	cheapest := make([]int, len(starts)) // by how many characters are written
	for end := 1; end < len(starts); end++ {
		best := cheapest[end-1] + 1
		for length := 2; length <= min(end, longestPart); length++ {
			from := end - length
			if cheapest[from]+1 >= best {
				continue
			}
			before, part := text[:starts[from]], text[starts[from]:starts[end]]
			if cost := partEffort(before, part, length, own); cost > 0 {
				best = min(best, cheapest[from]+cost)
			}
		}
		cheapest[end] = best
	}
	return cheapest[len(cheapest)-1]
}

// partEffort is the effort of a part of this length as one word or pattern; 0 if it is
// none.
func partEffort(before, part string, length int, own map[string]bool) int {
	repeats := length >= shortestRun && strings.Contains(before, part)
	switch {
	case repeats, length <= longestWord && own[part], year(part), length >= shortestRun && run(part, length):
		return 1
	case length >= shortestWord && length <= longestWord && commonWords()[part]:
		return wordEffort
	}
	return 0
}

// keyboards are the rows on which people slide a finger.
const keyboards = "qwertyuiop asdfghjkl zxcvbnm azertyuiop qsdfghjklm wxcvbn 1234567890 qazwsxedcrfvtgbyhnujmikolp 1qaz2wsx3edc4rfv5tgb6yhn"

var keyboardsBack = reversed(keyboards)

// run reports whether part is one character again and again, characters that follow
// each other such as abcd and 9876, or neighbours on a keyboard.
func run(part string, length int) bool {
	if length >= shortestWord && (strings.Contains(keyboards, part) || strings.Contains(keyboardsBack, part)) {
		return true
	}
	last, step := rune(-1), rune(2)
	for i, r := range part {
		switch {
		case i == 0:
		case step == 2:
			step = r - last
		case r-last != step:
			return false
		}
		last = r
	}
	return step >= -1 && step <= 1
}

func reversed(s string) string {
	r := []rune(s)
	slices.Reverse(r)
	return string(r)
}

// year reports whether word is a year in which somebody living may have been born, or
// one of these days.
func year(word string) bool {
	return len(word) == 4 && word >= "1900" && word <= "2099" && strings.Trim(word, "0123456789") == ""
}
