package weights

import "fmt"

// A DType is how a dense matrix is stored.
type DType uint8

const (
	F32 DType = iota
	F16
	BF16
	Q8_0
	Q6_K
	Q4_0
)

// A Dense matrix is an embedding or a head, as its file stores it.
type Dense struct {
	Name       string // as the file names it, for errors
	Type       DType
	Rows, Cols int
	Data       []byte // rows one after the other, without padding
}

// Row widens one row to float32, exactly as ggml defines the type; block
// formats round each product once, see package engine/compute. dst (Cols).
func (d *Dense) Row(dst []float32, row int) { panic(fmt.Sprint("not written yet", row)) }
