// Package app wires the parts together and gives them life and death.
//
//	connect ─► provision ─► stand by ─► lease ─► lead: load jobs, track, work ─┬─► lease lost: stand by
//	                                                                          └─► stop: drain, hand over
//
// The order of a stop (SIGTERM): 1 pull and send nothing more; 2 wait for the calls in flight, at most the
// drain time; 3 their jobs are recorded and acked; 4 give back what is held; 5 the tracker ends the
// polls in flight, its jobs stay stored; 6 leave the times of the last sends and hand over the lease;
// 7 close the listener and the connection.
//
// It is the only package that knows both an interface and what implements it. It decides nothing about
// requests.
package app
