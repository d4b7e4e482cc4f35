package ternary

// uint8 of Hugging Face transformers: the rows of a matrix in four quarters of
// R = Rows/4. Byte [r][c] of (R, Cols) holds column c of the rows r, r+R, r+2R,
// r+3R in bits 1:0, 3:2, 5:4, 7:6. (src/transformers/integrations/bitnet.py)

func hfRow(m *Matrix, dst []uint32, row int) (bad uint64, _ error) {
	quarter := m.Rows / 4
	data, shift := m.Data[row%quarter*m.Cols:], row/quarter*2
	for b := range dst {
		word := fieldWord(data[16*b:], shift)
		bad |= uint64(word & (word >> 1))
		dst[b] = word
	}
	return bad, nil
}
