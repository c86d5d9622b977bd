package daemon

// WithSource replaces the kernel's socket in a test.
func WithSource(c Config, s source) Config {
	c.source = s
	return c
}
