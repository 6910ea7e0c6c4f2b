// Package account runs one EdgeOne account: its client, the paces of its calls, its zones, its tracker and its worker.
//
// It stands between package app, which holds the lease and the connection, and the parts that it joins. The leader makes
// one for each account when it begins to lead, and makes it anew each time. An account decides nothing about requests,
// and opens nothing itself: what it needs of the broker is in its Deps.
package account
