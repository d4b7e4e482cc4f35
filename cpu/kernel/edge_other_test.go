//go:build !unix

package kernel

// edge returns n elements; only the unix version guards them.
func edge[T any](_ string, n int) []T { return make([]T, n) }

func intact[T any](string, int) bool { return true }
