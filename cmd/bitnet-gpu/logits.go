package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode"

	"github.com/spf13/cobra"

	"bitnet-gpu/weights/outfile"
)

func logitsCmd(std stdio) *cobra.Command {
	var flags modelFlags
	var tokens, output string
	cmd := &cobra.Command{
		Use:     "logits [-m MODEL] --tokens 1,2,3 -o OUT.npy",
		Short:   "Write the logits of every position, float32 (tokens, vocabulary), in NumPy's format",
		Example: `  bitnet-gpu logits -m model.gguf --tokens 1,2,3 -o out.npy`,
		Args:    cobra.NoArgs,
	}
	flags.add(cmd)
	cmd.Flags().StringVar(&tokens, "tokens", "", "token `IDS`, separated by commas")
	cmd.Flags().StringVarP(&output, "output", "o", "", "`FILE` to write; - for standard output")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		ids, err := parseIDs(tokens)
		if err != nil {
			return err
		}
		if len(ids) == 0 || output == "" {
			return usage("logits needs --tokens and -o")
		}
		if flags.context == 0 {
			flags.context = len(ids) // no more cache than that
		}
		target := outfile.Target{Path: output, Stdout: std.out, Binary: true}
		if err := target.Check(); err != nil {
			return err
		}
		e, err := flags.open(std)
		if err != nil {
			return err
		}
		defer e.Close()
		describe(std.err, e)
		if e.Context() > e.Model().Context {
			tellContext(std.err, e)
		}
		ctx, cancel := tidy(cmd.Context())
		defer cancel()
		return target.Write(ctx, func(w io.Writer) error {
			if err := writeNpyHeader(w, len(ids), e.Model().VocabSize); err != nil {
				return err
			}
			return e.Logits(ctx, ids, func(rows []float32) error {
				return binary.Write(w, binary.LittleEndian, rows)
			})
		})
	}
	return cmd
}

// parseIDs reads token ids separated by commas or blanks.
func parseIDs(text string) ([]int32, error) {
	var ids []int32
	for _, field := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		id, err := strconv.ParseInt(field, 10, 32)
		if err != nil {
			return nil, usage("token id %q is no number of a token", field)
		}
		ids = append(ids, int32(id))
	}
	return ids, nil
}

// writeNpyHeader writes the header of a little-endian float32 array (NumPy
// format 1.0, numpy/lib/format.py): padded so that the data begin at 64.
func writeNpyHeader(w io.Writer, rows, cols int) error {
	dict := fmt.Sprintf("{'descr': '<f4', 'fortran_order': False, 'shape': (%d, %d), }", rows, cols)
	length := (10+len(dict)+1+63)/64*64 - 10
	header := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(length))
	header = fmt.Appendf(header, "%-*s\n", length-1, dict)
	_, err := w.Write(header)
	return err
}
