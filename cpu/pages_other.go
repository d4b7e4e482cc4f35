//go:build !linux

package cpu

// pages returns zeroed words.
func pages(words int) (w []uint32, free func(), err error) {
	return make([]uint32, words), func() {}, nil
}

// resident reports false: who knows.
func resident([]byte) bool { return false }
