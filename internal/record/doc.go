// Package record holds what edgepurge stores between two steps of a request's life: the jobs that
// EdgeOne works on, and the progress of requests whose targets lie in more than one of them.
//
// The worker writes a job as soon as EdgeOne has accepted a batch, before any request of it is
// acked (I2). The tracker and the ledger read it back when the job is final, in this process or in
// the one that takes over. A record therefore carries all that the terminal events of its requests
// need, and nothing has to be kept in memory for it.
//
// Every record begins with a version. A decoder refuses a version it does not know with
// [ErrVersion]; the caller leaves such a record alone, since a newer edgepurge wrote it.
//
// The package knows no broker and no API: it turns values into bytes and back.
package record

import "errors"

// Version is the version of the records written by this build.
const Version = 1

// ErrVersion says that a record was written by a newer edgepurge.
var ErrVersion = errors.New("record of an unknown version")
