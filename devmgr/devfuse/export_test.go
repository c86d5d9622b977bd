package devfuse

// CheckWith is Check with other mount options.
func (s *Server) CheckWith(dir, options string) error { return s.check(dir, options) }
