package main

import (
	"math"
	"slices"
	"time"
)

// median is NaN for no values, and the mean of the two in the middle for an even number of them.
func median(values []float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return (s[(len(s)-1)/2] + s[len(s)/2]) / 2
}

// percentile is the smallest value that at least p of a hundred values do not exceed; NaN for no values.
func percentile(values []float64, p float64) float64 {
	if len(values) == 0 {
		return math.NaN()
	}
	s := slices.Sorted(slices.Values(values))
	return s[max(int(math.Ceil(p/100*float64(len(s))))-1, 0)]
}

// mean is NaN for no values.
func mean(values []float64) float64 {
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}

func milliseconds(d time.Duration) float64 { return d.Seconds() * 1e3 }

// share is n of all in percent.
func share(n, all int) float64 { return 100 * float64(n) / float64(all) }
