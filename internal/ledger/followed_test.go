package ledger

import (
	"testing"

	"pgregory.net/rapid"
)

// A part is found by every place that it ever had, whichever numbers a stream gives it that was
// made anew.
func TestFollowed_FindsAPartByEachOfItsPlaces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := newFollowed()
		number := rapid.Uint64Range(1, 4)
		taken := make(map[uint64]string)   // the model: which part has a number
		now := make(map[string]uint64)     // where each part is
		places := make(map[string][]place) // where each part has been
		t.Repeat(map[string]func(*rapid.T){
			"add": func(t *rapid.T) {
				job, to := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job"), number.Draw(t, "number")
				if now[job] != 0 || len(places[job]) > 0 || taken[to] != "" {
					t.Skip("a job is stored once, under a number of its own")
				}
				f.add(to, job)
				taken[to], now[job], places[job] = job, to, []place{{to, job}}
			},
			"move": func(t *rapid.T) {
				job, to := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job"), number.Draw(t, "number")
				if now[job] == 0 || taken[to] != "" && taken[to] != job {
					t.Skip("another part has the number")
				}
				if !f.move(place{now[job], job}, to) {
					t.Fatalf("the part of %s was not moved", job)
				}
				delete(taken, now[job])
				taken[to], now[job], places[job] = job, to, append(places[job], place{to, job})
			},
			"forget": func(t *rapid.T) {
				job := rapid.SampledFrom([]string{"a", "b", "c"}).Draw(t, "job")
				if now[job] == 0 {
					t.Skip("nobody follows it")
				}
				f.forget(places[job][0])
				delete(taken, now[job])
				delete(now, job)
			},
			"": func(t *rapid.T) {
				for job, at := range now {
					for _, p := range places[job] {
						if got := f.current(p); got != at {
							t.Fatalf("the part of %s is at %d by its place %d, want %d", job, got, p.sequence, at)
						}
					}
					if !f.follows(place{at, job}) || f.isOther(place{at, job}) {
						t.Fatalf("the part of %s is not followed at %d", job, at)
					}
				}
				if f.len() != len(now) {
					t.Fatalf("%d parts are followed, want %d", f.len(), len(now))
				}
			},
		})
	})
}

// A part that is being removed is neither moved nor looked for.
func TestFollowed_LeavesWhatIsBeingRemoved(t *testing.T) {
	f := newFollowed()
	f.add(1, "a")
	if !f.move(place{1, "a"}, 5) {
		t.Fatal("the part was not moved")
	}
	gone := f.startRemoval(place{1, "a"})
	if f.move(place{5, "a"}, 9) || f.follows(place{5, "a"}) || len(f.below(100)) != 0 {
		t.Error("a part is moved or looked for while it is being removed")
	}
	gone()
	if !f.follows(place{5, "a"}) || len(f.below(100)) != 1 || len(f.below(5)) != 0 {
		t.Error("a part that was not removed is not followed any more")
	}
}
