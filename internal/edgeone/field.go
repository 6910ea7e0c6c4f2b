package edgeone

import (
	"math"
	"time"

	"github.com/tencentcloud/tencentcloud-sdk-go/tencentcloud/common"
)

// optional returns s as a field of a request: absent if empty.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// optionals returns list as a field of a request: absent if empty.
func optionals(list []string) []*string {
	if len(list) == 0 {
		return nil
	}
	return common.StringPtrs(list)
}

// value returns a field of an answer, which may be absent.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// values returns the items of a list that are not null.
func values(list []*string) []string {
	var out []string
	for _, p := range list {
		if p != nil {
			out = append(out, *p)
		}
	}
	return out
}

// count returns a number of rows; -1 if it is absent.
func count[N int64 | uint64](p *N) int {
	if p == nil {
		return -1
	}
	return int(min(uint64(max(*p, 0)), math.MaxInt))
}

// pageOf converts the rows of an answer.
func pageOf[S, T any](rows []*S, total int, convert func(*S) T) page[T] {
	p := page[T]{seen: len(rows), total: total}
	for _, row := range rows {
		if row != nil {
			p.rows = append(p.rows, convert(row))
		}
	}
	return p
}

// floorSecond and ceilSecond write t in UTC without parts of a second, none of it for the zero time.
func floorSecond(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func ceilSecond(t time.Time) string {
	if t.Nanosecond() > 0 {
		t = t.Add(time.Second)
	}
	return floorSecond(t)
}

// parseTime reads a time of an answer in any of the forms that were seen, in UTC if it names no zone;
// zero if it is none.
func parseTime(s string) time.Time {
	for _, layout := range []string{time.RFC3339, "2006-01-02T15:04:05Z0700", "2006-01-02T15:04:05", time.DateTime} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC()
		}
	}
	return time.Time{}
}
