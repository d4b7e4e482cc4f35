package kernel

import (
	"sync"
	"syscall"
)

// mayUseTiles asks Linux for the use of AMX's tile registers, which a process has
// to do once (Documentation/arch/x86/xstate.rst of the kernel, from 5.16 on).
var mayUseTiles = sync.OnceValue(func() bool {
	const (
		request  = 0x1023 // ARCH_REQ_XCOMP_PERM
		tileData = 18     // the state component
	)
	_, _, err := syscall.RawSyscall(syscall.SYS_ARCH_PRCTL, request, tileData, 0)
	return err == 0
})
