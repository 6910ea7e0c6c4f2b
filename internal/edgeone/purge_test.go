package edgeone_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/edgepurge/edgepurge/internal/edgeone"
	"github.com/edgepurge/edgepurge/purge"
)

func TestCreatePurge_ReadsTheAnswer(t *testing.T) {
	tests := []struct {
		name, response string
		want           edgeone.Created
	}{
		{
			"FailedList null",
			`{"JobId":"j1","FailedList":null,"RequestId":"r1"}`,
			edgeone.Created{JobID: "j1", RequestID: "r1"},
		},
		{
			"FailedList empty",
			`{"JobId":"j1","FailedList":[],"RequestId":"r1"}`,
			edgeone.Created{JobID: "j1", RequestID: "r1"},
		},
		{
			"nothing but the job",
			`{"JobId":"j1"}`,
			edgeone.Created{JobID: "j1"},
		},
		{
			"some refused, nulls and unknown fields among them",
			`{"JobId":"j1","FailedList":[{"Reason":"foreign","Targets":["b",null,"c"]},null,{"Targets":null,"New":1}],"New":{}}`,
			edgeone.Created{JobID: "j1", Refused: []edgeone.Refusal{{Reason: "foreign", Targets: []string{"b", "c"}}, {}}},
		},
		{
			"all refused, no job",
			`{"JobId":"","FailedList":[{"Reason":"x","Targets":["a","b"]},{"Reason":"y","Targets":["c"]}]}`,
			edgeone.Created{Refused: []edgeone.Refusal{{Reason: "x", Targets: []string{"a", "b"}}, {Reason: "y", Targets: []string{"c"}}}},
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := over(t, answering(200, `{"Response":`+tt.response+`}`))
			got, err := c.CreatePurge(t.Context(), edgeone.Purge{Zone: "z", Type: purge.URL, Targets: []string{"a", "b", "c"}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestCreatePurge_WithoutJobIsAnError(t *testing.T) {
	tests := []struct {
		name, response string
		purge          edgeone.Purge
		refused        int
	}{
		{"no field", `{"RequestId":"r"}`, urlPurge, 0},
		{"null", `{"JobId":null,"RequestId":"r"}`, urlPurge, 0},
		{"empty", `{"JobId":"","FailedList":[],"RequestId":"r"}`, urlPurge, 0},
		{"all", `{"JobId":"","RequestId":"r"}`, edgeone.Purge{Zone: "z", Type: purge.All}, 0},
		{
			"some refused", `{"JobId":"","FailedList":[{"Targets":["a"]}],"RequestId":"r"}`,
			edgeone.Purge{Zone: "z", Type: purge.URL, Targets: []string{"a", "b"}},
			1,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := over(t, answering(200, `{"Response":`+tt.response+`}`)).CreatePurge(t.Context(), tt.purge)
			if class := edgeone.Classify(err); class != edgeone.NoJob {
				t.Fatalf("got %v, want no-job: %v", class, err)
			}
			if e, ok := errors.AsType[*edgeone.Error](err); !ok || e.RequestID != "r" || !e.Sent {
				t.Errorf("got %#v, want an Error of request r", err)
			}
			if got.RequestID != "r" || len(got.Refused) != tt.refused {
				t.Errorf("got %+v, want what the answer held", got)
			}
		})
	}
}

func TestCreatePurge_TellsTheServersTime(t *testing.T) {
	at := time.Date(2026, 11, 22, 10, 0, 7, 0, time.UTC)
	tests := []struct {
		date string
		want time.Time
	}{
		{at.Format(http.TimeFormat), at},
		{"yesterday", time.Time{}},
		{"", time.Time{}},
	}
	for _, tt := range tests {
		c := over(t, wire(func(r *http.Request) (*http.Response, error) {
			res, err := answering(200, `{"Response":{"JobId":"j"}}`)(r)
			res.Header.Set("Date", tt.date)
			return res, err
		}))
		got, err := c.CreatePurge(t.Context(), urlPurge)
		if err != nil || !got.ServerTime.Equal(tt.want) {
			t.Errorf("Date %q: got %v, %v, want %v", tt.date, got.ServerTime, err, tt.want)
		}
	}
}

func TestClient_KeepsCallsThatAreInFlightTogetherApart(t *testing.T) {
	const calls = 40
	start := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)
	var all sync.WaitGroup
	all.Add(calls)
	s := serve(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		all.Done()
		all.Wait() // none is answered before all are in flight
		var body struct{ Targets []string }
		if err := json.Unmarshal(bodyOf(r), &body); err != nil || len(body.Targets) != 1 {
			t.Errorf("body: %v", err)
			return
		}
		var i int
		_, _ = fmt.Sscan(body.Targets[0], &i)
		w.Header().Set("Date", start.Add(time.Duration(i)*time.Second).Format(http.TimeFormat))
		if i%2 == 1 {
			w.WriteHeader(500 + i)
			_, _ = fmt.Fprintf(w, "<html>%d</html>", i)
			return
		}
		_, _ = fmt.Fprintf(w, `{"Response":{"JobId":"job-%d"}}`, i)
	})
	c := s.client(t)
	var wg sync.WaitGroup
	for i := range calls {
		wg.Go(func() {
			p := urlPurge
			p.Targets = []string{strconv.Itoa(i)}
			got, err := c.CreatePurge(t.Context(), p)
			if i%2 == 1 {
				if e, ok := errors.AsType[*edgeone.Error](err); !ok || e.Status != 500+i || !strings.Contains(e.Message, strconv.Itoa(i)) {
					t.Errorf("call %d: got %v", i, err)
				}
				return
			}
			if err != nil || got.JobID != "job-"+strconv.Itoa(i) || !got.ServerTime.Equal(start.Add(time.Duration(i)*time.Second)) {
				t.Errorf("call %d: got %+v, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if n := len(s.sentActions()); n != calls {
		t.Errorf("Sent was called %d times, want %d", n, calls)
	}
}
