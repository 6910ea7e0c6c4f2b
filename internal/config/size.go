package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes. As text it is a whole number of bytes, or one with KiB, MiB, GiB or TiB.
type Size int64

type sizeUnit struct {
	name  string
	bytes int64
}

// sizeUnits from the largest to the smallest.
var sizeUnits = []sizeUnit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}}

// String returns the size in the largest unit that divides it.
func (s Size) String() string {
	for _, unit := range sizeUnits {
		if s != 0 && int64(s)%unit.bytes == 0 {
			return strconv.FormatInt(int64(s)/unit.bytes, 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// MarshalText is String.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads what String writes, and plain bytes.
func (s *Size) UnmarshalText(text []byte) error {
	size, err := parseSize(string(text))
	if err != nil {
		return err
	}
	*s = size
	return nil
}

func parseSize(text string) (Size, error) {
	number, factor := strings.TrimSpace(text), int64(1)
	for _, unit := range sizeUnits {
		if digits, found := strings.CutSuffix(number, unit.name); found {
			number, factor = strings.TrimRight(digits, " "), unit.bytes
			break
		}
	}
	count, err := strconv.ParseInt(number, 10, 64)
	if err != nil || count > math.MaxInt64/factor || count < math.MinInt64/factor {
		return 0, fmt.Errorf("%s is not a size; write a whole number with KiB, MiB, GiB or TiB, or of bytes", show(text))
	}
	return Size(count * factor), nil
}
