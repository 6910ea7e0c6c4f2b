// Package evil is an EdgeOne API that misbehaves in one way at a time: a front before two emulators, which rewrites what
// one of them answers, or what it is asked, and leaves the calls for every other zone alone.
//
// It knows what was truly purged, whatever it answered. It shares no code with package edgeone, so that a shared mistake
// can't hide.
package evil
