package credentials

import "sync"

// Pair is a key pair with the token of a temporary one. A Pair without an id is none.
type Pair struct{ ID, Key, Token string }

// Static is a configured pair, which a reload may replace. It is safe for concurrent use.
type Static struct {
	mu   sync.Mutex
	pair Pair
}

// Set replaces the pair.
func (s *Static) Set(pair Pair) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pair = pair
}

// GetCredential returns id, key and token that belong together.
func (s *Static) GetCredential() (id, key, token string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pair.ID, s.pair.Key, s.pair.Token
}

// GetSecretId is a part of the SDK's interface.
func (s *Static) GetSecretId() string { //nolint:revive,staticcheck // the SDK's spelling
	id, _, _ := s.GetCredential()
	return id
}

// GetSecretKey is a part of the SDK's interface.
func (s *Static) GetSecretKey() string {
	_, key, _ := s.GetCredential()
	return key
}

// GetToken is a part of the SDK's interface.
func (s *Static) GetToken() string {
	_, _, token := s.GetCredential()
	return token
}
