package edgeone_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/edgepurge/edgepurge/internal/edgeone"
)

// answers are where the fuzzing begins.
var answers = []string{
	``, `null`, `{}`, `[]`, `"x"`, `{"Response":null}`, `{"Response":{}}`, `{"response":{"jobid":"j"}}`,
	`{"Response":{"JobId":"j","FailedList":[{"Reason":"r","Targets":["a",null]},null],"RequestId":"r"}}`,
	`{"Response":{"TotalCount":2,"Tasks":[{"JobId":"j","Target":"t","Status":"success","CreateTime":"2022-02-09T02:28:43Z"},null]}}`,
	`{"Response":{"TotalCount":-1,"Zones":[{"ZoneId":"z","Paused":true}],"AccelerationDomains":[{"DomainName":"*.x"}]}}`,
	`{"Response":{"PurgeQuota":[{"Type":"purge_url","Batch":1,"Daily":2,"DailyAvailable":3}]}}`,
	`{"Response":{"Error":{"Code":"InternalError","Message":"m"},"RequestId":"r"}}`,
	`{"code":1,"message":"m","codeDesc":"C"}`, `{"code":"x"}`, `{"Response":{"JobId":1}}`, "<html>\xff</html>",
}

func FuzzAnswer(f *testing.F) {
	for _, body := range answers {
		f.Add(200, body)
		f.Add(502, body)
	}
	f.Fuzz(func(t *testing.T, status int, body string) {
		if status < 200 || status > 999 {
			t.Skip("net/http lets no such answer through")
		}
		c := over(t, answering(status, body))
		checkAnswer(t, c, body)
		_, err := c.Quotas(t.Context(), "z")
		checkEnd(t, err)
		checkZones(t, c)
		pages := 0
		domains, err := c.Domains(t.Context(), "z", func(context.Context) error { pages++; return enough(pages) })
		checkEnd(t, err)
		checkOnce(t, domains, func(d edgeone.Domain) string { return d.Name })
	})
}

// checkAnswer holds for any answer, of either version.
func checkAnswer(t *testing.T, c *edgeone.Client, body string) {
	t.Helper()
	created, err := c.CreatePurge(t.Context(), urlPurge)
	checkEnd(t, err)
	if err == nil && created.JobID == "" && len(created.Refused) == 0 {
		t.Errorf("got success without a job: %q", body)
	}
	page, err := c.PurgeTasks(t.Context(), edgeone.TaskQuery{})
	checkEnd(t, err)
	if page.Total < len(page.Tasks) {
		t.Errorf("got total %d of %d rows", page.Total, len(page.Tasks))
	}
	pages := 0
	var rows []edgeone.Task
	for row, err := range c.AllTasks(t.Context(), edgeone.TaskQuery{}, func(context.Context) error { pages++; return enough(pages) }) {
		if checkEnd(t, err); err == nil {
			rows = append(rows, row)
		}
	}
	checkOnce(t, rows, func(r edgeone.Task) [2]string { return [2]string{r.JobID, r.Target} })
	for _, row := range slices.Concat(rows, page.Tasks) {
		if row.Created.Location() != time.UTC || row.Updated.Location() != time.UTC {
			t.Errorf("got times %v and %v, want both in UTC", row.Created, row.Updated)
		}
	}
}

// checkZones holds for the list of zones, of either version.
func checkZones(t *testing.T, c *edgeone.Client) {
	t.Helper()
	pages := 0
	zones, err := c.Zones(t.Context(), func(context.Context) error { pages++; return enough(pages) })
	checkEnd(t, err)
	checkOnce(t, zones, func(z edgeone.Zone) string { return z.ID })
}

// checkOnce makes sure that a list has each row once, whatever its pages repeat.
func checkOnce[T any, K comparable](t *testing.T, rows []T, key func(T) K) {
	t.Helper()
	seen := make(map[K]bool)
	for _, row := range rows {
		if seen[key(row)] {
			t.Errorf("got %v twice", row)
		}
		seen[key(row)] = true
	}
}

// checkEnd holds for the end of every call.
func checkEnd(t *testing.T, err error) {
	t.Helper()
	if err == nil {
		return
	}
	e, ok := errors.AsType[*edgeone.Error](err)
	if !ok {
		t.Fatalf("got %T, want *Error", err)
	}
	if edgeone.Classify(err) == edgeone.Done {
		t.Errorf("got class done of %v", err)
	}
	for _, text := range []string{e.Code, e.Message, e.RequestID} {
		if len(text) > edgeone.MaxText {
			t.Errorf("got %d bytes, want at most %d: %q", len(text), edgeone.MaxText, text)
		}
	}
}

// enough stops a list that a made-up count makes endless.
func enough(pages int) error {
	if pages > 3 {
		return errors.New("enough")
	}
	return nil
}
