package vocab

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
)

// SentencePiece's own file, tokenizer.model: a protocol buffer of the message
// ModelProto. What is read of it: its pieces with their scores and types, that
// it is of BPE, the ids of special pieces, and how a text is normalised.
// (github.com/google/sentencepiece, src/sentencepiece_model.proto)

// Numbers of fields, and of types.
const (
	modelPieces       = 1
	modelTrainer      = 2
	modelNormalizer   = 3
	modelDenormalizer = 5

	pieceText  = 1
	pieceScore = 2
	pieceType  = 3

	trainerKind   = 3
	trainerSuffix = 24
	trainerBOS    = 41
	trainerEOS    = 42
	trainerPad    = 43

	normalizerCharsmap = 2
	normalizerPrefix   = 3
	normalizerTrim     = 4
	normalizerEscape   = 5

	kindUnigram = 1
	kindBPE     = 2
)

// ParseSentencePiece reads a tokenizer.model of SentencePiece's BPE, with the
// tokens that the tokenizer.json beside it, where there is one, adds behind its
// pieces.
func ParseSentencePiece(data, tokenizerJSON []byte) (*Vocab, error) {
	v, err := parsePieces(data)
	if err != nil || tokenizerJSON == nil {
		return v, err
	}
	added, err := readAddedTokens(tokenizerJSON)
	if err != nil {
		return nil, err
	}
	for _, a := range added {
		switch n := int64(len(v.Tokens)); {
		case a.ID < n:
			continue // one of the pieces
		case a.ID > n:
			return nil, fmt.Errorf("added token %s has the id %d behind %d tokens", excerpt(a.Content), a.ID, n)
		}
		kind := TokenUserDefined
		if a.Special {
			kind = TokenControl
		}
		v.Tokens, v.Types, v.Scores = append(v.Tokens, a.Content), append(v.Types, kind), append(v.Scores, 0)
	}
	return v, nil
}

func parsePieces(data []byte) (*Vocab, error) {
	v := &Vocab{Model: "llama", SpacePrefix: true, TrimBlanks: true, AddBOS: true, BOS: 1, EOS: 2, EOT: -1, Pad: -1}
	n := 0
	_ = eachField(data, func(number int, _ uint64, _ []byte) error { // errors come again
		if number == modelPieces {
			n++
		}
		return nil
	})
	v.Tokens, v.Scores, v.Types = make([]string, 0, n), make([]float32, 0, n), make([]TokenType, 0, n)
	kind := uint64(kindUnigram) // the format's default
	err := eachField(data, func(number int, value uint64, bytes []byte) error {
		switch number {
		case modelPieces:
			return v.addPiece(bytes)
		case modelTrainer:
			return eachField(bytes, func(number int, value uint64, _ []byte) error {
				if number == trainerKind {
					kind = value
				}
				return v.trained(number, value)
			})
		case modelNormalizer:
			return eachField(bytes, v.normalized)
		case modelDenormalizer:
			return eachField(bytes, func(number int, _ uint64, bytes []byte) error {
				if number == normalizerCharsmap && len(bytes) > 0 {
					return errors.New("its denormalizer_spec has rules, which are not supported")
				}
				return nil
			})
		}
		return nil
	})
	switch {
	case err != nil:
		return nil, fmt.Errorf("SentencePiece model: %w", err)
	case len(v.Tokens) == 0:
		return nil, errors.New("not a SentencePiece model: no pieces")
	case kind != kindBPE:
		return nil, fmt.Errorf("a SentencePiece model of type %d is not supported, only BPE (%d)", kind, kindBPE)
	}
	for _, id := range []int32{v.BOS, v.EOS} {
		if id < -1 || int(id) >= len(v.Tokens) {
			return nil, fmt.Errorf("token id %d of begin or end, expected -1 to %d", id, len(v.Tokens)-1)
		}
	}
	if v.Pad < 0 || int(v.Pad) >= len(v.Tokens) {
		v.Pad = -1 // nothing here needs it
	}
	v.AddBOS = v.BOS >= 0
	return v, nil
}

// trained takes a field of the trainer's message.
func (v *Vocab) trained(number int, value uint64) error {
	switch number {
	case trainerSuffix:
		if value != 0 {
			return errors.New("treat_whitespace_as_suffix is not supported")
		}
	case trainerBOS:
		v.BOS = int32(value)
	case trainerEOS:
		v.EOS = int32(value)
	case trainerPad:
		v.Pad = int32(value)
	}
	return nil
}

// normalized takes a field of the normaliser's message.
func (v *Vocab) normalized(number int, value uint64, bytes []byte) error {
	switch number {
	case normalizerCharsmap:
		v.Charsmap = nil
		if len(bytes) > 0 {
			v.Charsmap = slices.Clone(bytes)
		}
	case normalizerPrefix:
		v.SpacePrefix = value != 0
	case normalizerTrim:
		v.TrimBlanks = value != 0
	case normalizerEscape:
		if value == 0 {
			return errors.New("a normaliser without escape_whitespaces is not supported")
		}
	}
	return nil
}

func (v *Vocab) addPiece(message []byte) error {
	text, score, kind := "", float32(0), uint64(TokenNormal)
	err := eachField(message, func(number int, value uint64, bytes []byte) error {
		switch number {
		case pieceText:
			text = string(bytes)
		case pieceScore:
			score = math.Float32frombits(uint32(value))
		case pieceType:
			kind = value
		}
		return nil
	})
	if err == nil && text == "" {
		err = fmt.Errorf("piece %d is empty", len(v.Tokens))
	}
	if err == nil && (kind < uint64(TokenNormal) || kind > uint64(TokenByte)) {
		err = fmt.Errorf("piece %d is of type %d", len(v.Tokens), kind)
	}
	v.Tokens, v.Scores = append(v.Tokens, text), append(v.Scores, score)
	v.Types = append(v.Types, TokenType(kind)) // GGUF took its numbers from here
	return err
}

// eachField calls f for the fields of a protocol buffer: with the value of a
// number, or the bytes of a string or message.
func eachField(data []byte, f func(number int, value uint64, bytes []byte) error) error {
	for len(data) > 0 {
		key, n := binary.Uvarint(data)
		if n <= 0 || key>>3 == 0 || key>>3 > math.MaxInt32 {
			return errors.New("a field without a number")
		}
		data = data[n:]
		number, value, bytes := int(key>>3), uint64(0), []byte(nil)
		size := 0
		switch key & 7 {
		case 0:
			if value, size = binary.Uvarint(data); size <= 0 {
				return fmt.Errorf("field %d: its value is cut off", number)
			}
		case 1:
			size = 8
		case 2:
			length, n := binary.Uvarint(data)
			if n <= 0 || length > uint64(len(data)-n) {
				return fmt.Errorf("field %d: its bytes end behind the file", number)
			}
			bytes, size = data[n:n+int(length)], n+int(length)
		case 5:
			size = 4
		default:
			return fmt.Errorf("field %d is of wire type %d", number, key&7)
		}
		if size > len(data) {
			return fmt.Errorf("field %d: its value is cut off", number)
		}
		if size == 4 && key&7 == 5 {
			value = uint64(binary.LittleEndian.Uint32(data))
		}
		if err := f(number, value, bytes); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}
