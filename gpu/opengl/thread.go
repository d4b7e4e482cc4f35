//go:build cgo && opengl && (linux || windows)

package opengl

import "runtime"

// A thread is the OS thread of a context: which context a call is for OpenGL
// knows by the thread alone.
type thread struct {
	calls chan func() error
	done  chan error
}

func newThread() *thread {
	t := &thread{calls: make(chan func() error), done: make(chan error)}
	go func() {
		runtime.LockOSThread() // for good: it ends with this goroutine
		for f := range t.calls {
			t.done <- f()
		}
		close(t.done)
	}()
	return t
}

// do calls f on the thread.
func (t *thread) do(f func() error) error {
	t.calls <- f
	return <-t.done
}

func (t *thread) stop() {
	close(t.calls)
	<-t.done
}
