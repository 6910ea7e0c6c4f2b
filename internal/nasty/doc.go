// Package nasty holds messages that nobody should send as a request and somebody will: garbage, broken and odd JSON,
// forged headers, ids, targets and sizes beyond the limits, and what fuzzing found, some hundreds in all. Beside each
// stands what must come of it, taken from what producers are promised, not from what the code does.
//
// Tests read it: those of package purge decode every message, those of e2e publish them all to a real broker with a real
// worker behind it. It knows no other package, and nothing of the product imports it.
//
// A file in testdata has one message a line, as JSON:
//
//	{"name":"cut-off","text":"{\"targets\":[","end":{"status":"rejected","code":"Malformed","field":""}}
//
// The body is text, or base64 where it is not UTF-8, or a list of parts, so that a megabyte takes a line: each part is
// text or base64, times times, with between in between; with count each # in it is the number of the repetition, from 0.
// The subject is that of the message's lane, bulk where none is given, and of its source, also in base64, its name where
// none is given; or it is given whole. For what must come of it see [End].
package nasty
