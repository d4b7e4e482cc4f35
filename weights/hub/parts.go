package hub

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"sync"
)

// The data of an unfinished pull and the map of its blocks stand beside the
// blob. The hub's own tools call theirs <etag>.incomplete and go on at its end,
// so this one, which has holes, must not be called so.
const (
	partsSuffix = ".parts"
	doneSuffix  = ".parts.done"
)

// parts is an unfinished pull. The map is a line that says of what, then one
// byte a block: '#' where it is there, '.' where not. A block's byte is written
// after the block, and a block that is there is never written again; so what was
// hashed is what is in the file.
type parts struct {
	data, done  *os.File
	size, block int64 // bytes of the whole, of a block
	header      string

	mu   sync.Mutex
	have []bool
	got  int64         // bytes in the blocks that are there
	more chan struct{} // holds one value when blocks came
}

// openParts opens the unfinished pull of a blob, or begins one.
func openParts(blob, etag string, size, block int64) (*parts, error) {
	data, err := os.OpenFile(blob+partsSuffix, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	done, err := os.OpenFile(blob+doneSuffix, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		data.Close()
		return nil, err
	}
	p := &parts{
		data: data, done: done, size: size, block: block,
		header: fmt.Sprintf("bitnet-gpu parts of %s, %d bytes in blocks of %d\n", etag, size, block),
		have:   make([]bool, (size+block-1)/block), // size is at most maxSize
		more:   make(chan struct{}, 1),
	}
	if !p.load() {
		err = p.reset()
	}
	if err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// load reads the map; false says that it is not one of this file.
func (p *parts) load() bool {
	info, err := p.data.Stat()
	if err != nil || info.Size() != p.size {
		return false
	}
	text, err := io.ReadAll(io.LimitReader(p.done, int64(len(p.header)+len(p.have)+1)))
	if err != nil {
		return false
	}
	blocks, ok := bytes.CutPrefix(text, []byte(p.header))
	if !ok || len(blocks) != len(p.have) {
		return false
	}
	for i, b := range blocks {
		if b == '#' {
			p.have[i] = true
			p.got += p.end(i) - int64(i)*p.block
		}
	}
	return true
}

// reset begins anew.
func (p *parts) reset() error {
	clear(p.have)
	p.got = 0
	if err := p.done.Truncate(0); err != nil {
		return err
	}
	if err := p.data.Truncate(0); err != nil {
		return err
	}
	if err := p.data.Truncate(p.size); err != nil {
		return err
	}
	_, err := p.done.WriteAt(append([]byte(p.header), bytes.Repeat([]byte{'.'}, len(p.have))...), 0)
	return err
}

// end is where block i ends.
func (p *parts) end(i int) int64 { return min(int64(i+1)*p.block, p.size) }

// mark says that block i is there.
func (p *parts) mark(i int) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.have[i] {
		return nil
	}
	if _, err := p.done.WriteAt([]byte{'#'}, int64(len(p.header)+i)); err != nil {
		return err
	}
	p.have[i] = true
	p.got += p.end(i) - int64(i)*p.block
	select {
	case p.more <- struct{}{}:
	default:
	}
	return nil
}

func (p *parts) has(i int) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.have[i]
}

// A span is a range of bytes, [start, end).
type span struct{ start, end int64 }

// missing returns what is not there, in spans of at most most blocks.
func (p *parts) missing(most int) []span {
	var spans []span
	length := 0 // blocks in the last span, while it may grow
	for i, have := range p.have {
		switch {
		case have:
			length = 0
		case length == 0 || length == most:
			spans = append(spans, span{int64(i) * p.block, p.end(i)})
			length = 1
		default:
			spans[len(spans)-1].end = p.end(i)
			length++
		}
	}
	return spans
}

// A writeError is an error of the disk, not of the network.
type writeError struct{ error }

func (e writeError) Unwrap() error { return e.error }

// copy writes bytes from r at [pos, end) and marks the blocks that become
// whole. Blocks that are there are read and left. It returns how far it came; an
// r that ends too early is io.ErrUnexpectedEOF.
func (p *parts) copy(r io.Reader, pos, end int64, moved func(pos int64)) (int64, error) {
	buf := make([]byte, min(128<<10, p.block))
	for pos < end {
		i := int(pos / p.block)
		n, err := r.Read(buf[:min(int64(len(buf)), end-pos, p.end(i)-pos)])
		if !p.has(i) && n > 0 {
			if _, err := p.data.WriteAt(buf[:n], pos); err != nil {
				return pos, writeError{err}
			}
			if pos+int64(n) == p.end(i) {
				if err := p.mark(i); err != nil {
					return pos, writeError{err}
				}
			}
		}
		pos += int64(n)
		moved(pos)
		if errors.Is(err, io.EOF) && pos < end {
			return pos, io.ErrUnexpectedEOF
		}
		if err != nil && pos < end {
			return pos, err
		}
	}
	return pos, nil
}

// sum hashes the blocks in order, each as soon as it is there.
func (p *parts) sum(ctx context.Context, h hash.Hash) (string, error) {
	buf := make([]byte, min(p.block, p.size))
	for i := range p.have {
		for !p.has(i) {
			select {
			case <-p.more:
			case <-ctx.Done():
				return "", ctx.Err()
			}
		}
		start := int64(i) * p.block
		block := buf[:p.end(i)-start]
		if _, err := p.data.ReadAt(block, start); err != nil {
			return "", err
		}
		h.Write(block)
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

// finish gives the whole file its name.
func (p *parts) finish(blob string) error {
	err := p.data.Sync()
	p.close()
	if err == nil {
		err = os.Rename(blob+partsSuffix, blob)
	}
	if err == nil {
		_ = os.Remove(blob + doneSuffix) // at worst it is left over
	}
	return err
}

func (p *parts) close() {
	p.data.Close()
	p.done.Close()
}

// drop removes the unfinished pull.
func (p *parts) drop() {
	p.close()
	os.Remove(p.done.Name())
	os.Remove(p.data.Name())
}
