package edgeone

// The statuses of a task that the API names.
const (
	StatusProcessing = "processing"
	StatusSuccess    = "success"
	StatusFailed     = "failed"
	StatusTimeout    = "timeout"
	StatusCanceled   = "canceled"
	StatusInvalid    = "invalid" // 2022-01-06, and prefetch
)

// Unsuccessful gives all statuses but success that the client's version of the API has.
func (c *Client) Unsuccessful() []string { return c.api.traits().unsuccessful }

// FailQuota is the FailType of a task that was accepted though the zone's day was spent.
const FailQuota = "quotaExceeded"

// Passing tells whether a task that ended so may succeed when it is made once more. One that somebody
// canceled, or that EdgeOne calls invalid or not allowed, would end the same.
func Passing(status, failType string) bool {
	return (status == StatusFailed || status == StatusTimeout) && failType != "accessDenied"
}

// Final tells whether a task with the status will not change any more. Words that are not known are
// not final: the caller's deadline bounds them.
func Final(status string) bool {
	switch status {
	case StatusSuccess, StatusFailed, StatusTimeout, StatusCanceled, StatusInvalid:
		return true
	}
	return false
}

// Succeeded tells whether the target was purged: success is the only success.
func Succeeded(status string) bool { return status == StatusSuccess }
