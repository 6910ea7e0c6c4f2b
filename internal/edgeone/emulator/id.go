package emulator

import (
	"strconv"
	"strings"
)

// idKey turns the number of a job into its JobId and back: a permutation of 60 bits, other in each run, in base 36.
// So ids need no memory, and one of an earlier run names no job of this one.
type idKey struct {
	mask   uint64
	factor uint64 // odd
}

const (
	idBits  = 60
	idMask  = 1<<idBits - 1
	idWidth = 12 // 36^12 > 2^60
)

func newIDKey(random uint64) idKey {
	return idKey{mask: scatter(random) & idMask, factor: scatter(random+1) | 1}
}

func (k idKey) name(seq uint64) string {
	n := (seq ^ k.mask) * k.factor & idMask
	n ^= n >> (idBits / 2)
	s := strconv.FormatUint(n*k.factor&idMask, 36)
	return strings.Repeat("0", idWidth-len(s)) + s
}

// number is the inverse of name. A text that is no id gives a number that no job has.
func (k idKey) number(id string) uint64 {
	n, err := strconv.ParseUint(id, 36, idBits)
	if err != nil || len(id) != idWidth || strings.ToLower(id) != id {
		return 1 << 63
	}
	inverse := k.factor
	for range 6 { // each step of Newton's method doubles the number of right bits
		inverse *= 2 - k.factor*inverse
	}
	n = n * inverse & idMask
	n ^= n >> (idBits / 2)
	return n*inverse&idMask ^ k.mask
}
