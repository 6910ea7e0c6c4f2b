// Edgepurge takes cache-purge requests from NATS JetStream and gets them done on Tencent EdgeOne.
//
//	edgepurge demo                      everything in one process, nothing to install
//	edgepurge run [--config FILE]       the worker
//	edgepurge submit URL… [--wait]      ask for purges
//	edgepurge status [SOURCE/]ID        how a request ended, or how far it is
//	edgepurge events [--follow]         how requests ended
//	edgepurge quota [ZONE…]             what EdgeOne still takes
//	edgepurge dead ls | show | …        what was refused
//	edgepurge emulator                  a stand-in for the EdgeOne API
//	edgepurge setup [--dry-run]         create or update the streams
//	edgepurge config check | print      the configuration
//	edgepurge version | completion
//
// Exit codes: 0 everything completed, 3 some did, 1 none did or it could not run, 2 usage or
// configuration, 4 timeout, 130 interrupted.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	go func() {
		<-ctx.Done()
		stop() // a second signal ends the process at once
	}()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
