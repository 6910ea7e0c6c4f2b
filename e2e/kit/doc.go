// Package kit is what the tests, the torture and the bench share to set edgepurge up and to stand
// between its parts: it builds the programs, finds addresses, reads what a process uses of the
// machine, and has links before NATS servers and calls before the API, which pass on what came or
// let it come to grief.
//
// It decides nothing: which fault befalls whom, and what is right then, is the business of who uses
// it.
package kit
