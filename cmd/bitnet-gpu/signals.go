package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"bitnet-gpu/weights/outfile"
)

// interruptible ends the returned context at the first Ctrl-C and the program
// at the second.
func interruptible(parent context.Context) (context.Context, func()) {
	return heeding(parent, os.Interrupt)
}

// tidy ends the returned context at the first Ctrl-C, SIGTERM or SIGHUP, so that
// files which are of no use go, and the program at the second.
func tidy(parent context.Context) (context.Context, func()) {
	if signal.Ignored(syscall.SIGHUP) { // by nohup
		return heeding(parent, os.Interrupt, syscall.SIGTERM)
	}
	return heeding(parent, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
}

func heeding(parent context.Context, those ...os.Signal) (context.Context, func()) {
	ctx, cancel := context.WithCancel(parent)
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, those...)
	go func() {
		for n := 0; ; n++ {
			if _, ok := <-signals; !ok {
				return
			}
			if n == 1 {
				outfile.DiscardAll()
				os.Exit(exitInterrupted)
			}
			cancel()
		}
	}()
	return ctx, func() {
		signal.Stop(signals)
		close(signals)
		cancel()
	}
}
