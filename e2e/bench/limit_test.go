package main

import (
	"testing"
	"time"
)

// calls are so many in turn, each so long after the one before, from some time on.
func callsEvery(begin time.Time, every time.Duration, n int, change func(int, *create)) []create {
	list := make([]create, n)
	for i := range list {
		at := begin.Add(time.Duration(i) * every)
		list[i] = create{arrived: at, done: at, job: "job"}
		if change != nil {
			change(i, &list[i])
		}
	}
	return list
}

func TestUseOf_LeavesTheFirstAndTheLastSecondOut(t *testing.T) {
	t.Parallel()
	begin := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	const refusal = "RequestLimitExceeded"
	for _, tt := range []struct {
		name  string
		calls []create
		want  use
	}{
		{"nothing", nil, use{}},
		{"too short", callsEvery(begin, 50*time.Millisecond, 40, nil), use{}},
		{"all of it", callsEvery(begin, 50*time.Millisecond, 20*12+1, nil), use{100, 0, 10 * time.Second}},
		{"half of it", callsEvery(begin, 100*time.Millisecond, 10*12+1, nil), use{50, 0, 10 * time.Second}},
		{
			"every tenth refused",
			callsEvery(begin, 50*time.Millisecond, 20*12+1, func(i int, c *create) {
				if i%10 == 5 {
					c.job, c.code = "", refusal
				}
			}),
			use{90, 10, 10 * time.Second},
		},
		{
			"refused at the ends alone",
			callsEvery(begin, 50*time.Millisecond, 20*12+1, func(i int, c *create) {
				if i < 20 || i >= 20*11 {
					c.job, c.code = "", refusal
				}
			}),
			use{100, 0, 10 * time.Second},
		},
	} {
		if got := useOf(tt.calls); got != tt.want {
			t.Errorf("%s: got %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
