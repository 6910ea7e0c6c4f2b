package admin

import "time"

// WriteWithin changes how long an answer may take.
func (s *Server) WriteWithin(d time.Duration) { s.writeWithin = d }
