package record

import (
	"strings"

	"github.com/edgepurge/edgepurge/internal/canonical"
	"github.com/edgepurge/edgepurge/purge"
)

// Echo is the form in which a target that was sent is compared with one that EdgeOne returns:
// whether it spells targets as they were sent or in the normal form of RFC 3986 (section 6.2.2) is
// not known. Two targets of one form are not distinguished. It reads both by the first rules, which
// change nothing of what the current ones made.
func Echo(t purge.Type, target string) string {
	c, err := canonical.Before.Of(string(t), target)
	if err != nil {
		c = target
	}
	if t != purge.URL && t != purge.Prefix || !strings.Contains(c, "%") {
		return c
	}
	var b strings.Builder
	for i := 0; i < len(c); i++ {
		if c[i] != '%' || i+2 >= len(c) || !isHex(c[i+1]) || !isHex(c[i+2]) {
			b.WriteByte(c[i])
			continue
		}
		octet := unhex(c[i+1])<<4 | unhex(c[i+2])
		if isUnreserved(octet) {
			b.WriteByte(octet)
		} else {
			b.WriteString(strings.ToUpper(c[i : i+3]))
		}
		i += 2
	}
	return b.String()
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}

func isUnreserved(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0
}
