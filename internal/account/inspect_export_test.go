package account

// WithVersion makes an inspector speak of another API version.
func WithVersion(i *Inspector, version string) *Inspector {
	i.cfg.Version = version
	return i
}
