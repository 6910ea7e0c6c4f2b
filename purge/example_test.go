package purge_test

import (
	"fmt"
	"time"

	"github.com/edgepurge/edgepurge/purge"
)

// A producer builds a request and publishes it to JetStream, under its own name as the source.
func ExampleRequest_Encode() {
	request := purge.Request{
		ID:      "post-4711-r3",
		Targets: []string{"https://www.example.com/blog/hello/"},
		Time:    time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC),
		Labels:  map[string]string{"post": "4711"},
	}
	data, err := request.Encode()
	if err != nil {
		fmt.Println(err)
		return
	}
	subjects := purge.Subjects{Prefix: "purge"}
	fmt.Println(subjects.Request(purge.Interactive, "ghost"))
	fmt.Println(string(data))
	// Output:
	// purge.requests.interactive.ghost
	// {"id":"post-4711-r3","targets":["https://www.example.com/blog/hello/"],"time":"2026-11-22T10:00:00Z","labels":{"post":"4711"}}
}

// A consumer reads the terminal event of a request, which it gets from the subject EventOf names.
func ExampleDecodeEvent() {
	const message = `{"specversion":"1.0","id":"ghost/post-4711-r3","source":"/edgepurge/default",` +
		`"type":"io.edgepurge.request.partial.v1","subject":"ghost/post-4711-r3","time":"2026-11-22T10:00:09Z",` +
		`"datacontenttype":"application/json","data":{"request":"post-4711-r3","source":"ghost","status":"partial",` +
		`"targets":{"total":3,"succeeded":2,"failed":1},"failures":[{"target":"/about/","code":"InvalidTarget",` +
		`"reason":"the URL must begin with http:// or https://"}],"failures_omitted":0,"attempts":1}}`

	event, err := purge.DecodeEvent([]byte(message))
	if err != nil {
		fmt.Println(err)
		return
	}
	outcome := event.Data
	fmt.Printf("%s: %s, %d of %d\n", event.Subject, outcome.Status, outcome.Targets.Succeeded, outcome.Targets.Total)
	for _, failure := range outcome.Failures {
		fmt.Printf("%s: %s: %s\n", failure.Target, failure.Code, failure.Reason)
	}
	// Output:
	// ghost/post-4711-r3: partial, 2 of 3
	// /about/: InvalidTarget: the URL must begin with http:// or https://
}

func ExampleSubjects_EventOf() {
	subjects := purge.Subjects{Prefix: "purge"}
	fmt.Println(subjects.EventOf("ghost", "post-4711-r3"))
	// Output: purge.events.ghost.*.post-4711-r3
}

func ExampleCanonicalURL() {
	for _, raw := range []string{"HTTPS://Bücher.example:443?q=a b#top", "www.example.com/"} {
		canonical, err := purge.CanonicalURL(raw)
		fmt.Println(canonical, err)
	}
	// Output:
	// https://xn--bcher-kva.example/?q=a%20b <nil>
	//  InvalidTarget: the URL must begin with http:// or https://; write https://www.example.com/
}
