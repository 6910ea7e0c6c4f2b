package canonical

import (
	"fmt"
	"unicode"
	"unicode/utf8"
)

// asciiSpace is the white space that is dropped at the ends of a target.
const asciiSpace = " \t\r\n\v\f"

// checkEnds refuses a target that begins or ends with a character that nobody sees. It may be part of the URL, or come
// from the text that the target was copied from; only the sender can know.
func checkEnds(target string) error {
	if first, _ := utf8.DecodeRuneInString(target); isInvisible(first) {
		return invisibleFault("begins", first)
	}
	if last, _ := utf8.DecodeLastRuneInString(target); isInvisible(last) {
		return invisibleFault("ends", last)
	}
	return nil
}

// isInvisible reports whether a character beyond ASCII is a space, has no width, or only directs the text around it.
func isInvisible(c rune) bool {
	if c < utf8.RuneSelf {
		return false
	}
	return unicode.In(c, unicode.White_Space, unicode.Z) || unicode.Is(noWidth, c)
}

// noWidth has the format characters that come with copied text. Not here are those that are seen (Arabic number signs)
// or that end visible text (the tags of flags, variation selectors).
var noWidth = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x00ad, Hi: 0x00ad, Stride: 1}, // soft hyphen
		{Lo: 0x034f, Hi: 0x034f, Stride: 1}, // combining grapheme joiner
		{Lo: 0x061c, Hi: 0x061c, Stride: 1}, // Arabic letter mark
		{Lo: 0x180e, Hi: 0x180e, Stride: 1}, // Mongolian vowel separator
		{Lo: 0x200b, Hi: 0x200f, Stride: 1}, // zero-width space, joiners, marks of direction
		{Lo: 0x202a, Hi: 0x202e, Stride: 1}, // embeddings and overrides of direction
		{Lo: 0x2060, Hi: 0x206f, Stride: 1}, // word joiner, invisible operators, isolates
		{Lo: 0xfeff, Hi: 0xfeff, Stride: 1}, // byte-order mark
	},
	LatinOffset: 1,
}

// names are those of the characters that are met most.
var names = map[rune]string{
	0x0085: "a next-line character", 0x00a0: "a no-break space", 0x00ad: "a soft hyphen",
	0x200b: "a zero-width space", 0x200c: "a zero-width non-joiner", 0x200d: "a zero-width joiner",
	0x200e: "a left-to-right mark", 0x200f: "a right-to-left mark", 0x2028: "a line separator",
	0x2029: "a paragraph separator", 0x202f: "a narrow no-break space", 0x2060: "a word joiner",
	0x3000: "an ideographic space", 0xfeff: "a byte-order mark",
}

func invisibleFault(where string, c rune) error {
	name := names[c]
	switch {
	case name != "":
	case unicode.In(c, unicode.White_Space, unicode.Z):
		name = "a space"
	default:
		name = "an invisible character"
	}
	return TargetError(fmt.Sprintf("the target %s with U+%04X, %s; remove it, or percent-encode it where a URL needs it", where, c, name))
}
