package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/edgepurge/edgepurge/internal/wait"
)

// page is the largest Limit of DescribePurgeTasks.
const page = 1000

// rows writes every task that the emulator has since a time. The emulator's limit of calls holds here too.
func (w *world) rows(ctx context.Context, from time.Time, n *notes) error {
	until := time.Now().Add(time.Minute)
	for _, z := range zones() {
		zone, _, _ := strings.Cut(z, "=")
		for offset := 0; ; offset += page {
			tasks, total, err := w.describe(ctx, zone, from, until, offset)
			if err != nil {
				return err
			}
			for _, t := range tasks {
				n.add(row{t.JobID, t.Target, t.Status})
			}
			if offset+page >= total {
				break
			}
			wait.Sleep(ctx, 2*time.Second/rate)
		}
	}
	return nil
}

type task struct {
	JobID          string `json:"JobId"`
	Target, Status string
}

func (w *world) describe(ctx context.Context, zone string, from, until time.Time, offset int) ([]task, int, error) {
	body, err := json.Marshal(map[string]any{
		"ZoneId": zone, "StartTime": from.UTC().Format(time.RFC3339), "EndTime": until.UTC().Format(time.RFC3339),
		"Offset": offset, "Limit": page,
	})
	if err != nil {
		return nil, 0, fmt.Errorf("ask for tasks: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+w.api.emulator+"/", bytes.NewReader(body))
	if err != nil {
		return nil, 0, fmt.Errorf("ask for tasks: %w", err)
	}
	sign(req, "DescribePurgeTasks", body, w.secrets[0], time.Now().UTC())
	res, err := w.api.client.Do(req)
	if err != nil {
		return nil, 0, fmt.Errorf("ask for tasks: %w", err)
	}
	defer func() { _ = res.Body.Close() }()
	var answer struct {
		Response struct {
			TotalCount int
			Tasks      []task
			Error      struct{ Code, Message string }
		}
	}
	if err := json.NewDecoder(res.Body).Decode(&answer); err != nil {
		return nil, 0, fmt.Errorf("ask for tasks: %w", err)
	}
	if e := answer.Response.Error; e.Code != "" {
		return nil, 0, fmt.Errorf("ask for tasks: %s: %s", e.Code, e.Message)
	}
	return answer.Response.Tasks, answer.Response.TotalCount, nil
}

// sign puts the headers of signature v3 on a call (EdgeOne API docs, Signature v3).
func sign(req *http.Request, action string, body []byte, secret string, now time.Time) {
	const kind, service, signed = "application/json", "teo", "content-type;host"
	sum := sha256.Sum256(body)
	canonical := sha256.Sum256([]byte(strings.Join([]string{
		http.MethodPost, "/", "", "content-type:" + kind, "host:" + req.URL.Host, "", signed, hex.EncodeToString(sum[:]),
	}, "\n")))
	date := now.Format(time.DateOnly)
	scope := date + "/" + service + "/tc3_request"
	seconds := strconv.FormatInt(now.Unix(), 10)
	k := mac([]byte("TC3"+secret), date)
	for _, part := range []string{service, "tc3_request"} {
		k = mac(k, part)
	}
	signature := mac(k, strings.Join([]string{"TC3-HMAC-SHA256", seconds, scope, hex.EncodeToString(canonical[:])}, "\n"))
	req.Header.Set("Content-Type", kind)
	req.Header.Set("X-TC-Action", action)
	req.Header.Set("X-TC-Version", "2022-09-01")
	req.Header.Set("X-TC-Timestamp", seconds)
	req.Header.Set("Authorization", fmt.Sprintf("TC3-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		secretID, scope, signed, hex.EncodeToString(signature)))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
