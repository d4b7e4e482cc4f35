package weights

import (
	"fmt"
	"maps"
	"slices"
)

// An hfRotation gathers what config.json says of the rotary embedding, in all the
// spellings of transformers' versions: members of the configuration itself, in
// rope_scaling, in rope_parameters, and there once more for each kind of layer.
// Two that say the same are one; others are refused.
type hfRotation struct {
	headDim int
	base    float64 // 0: not said yet
	where   string  // the base is said
}

// rotation finds the base and refuses scaled and partial rotations.
func (c *hfConfig) rotation(members map[string]any) error {
	r := hfRotation{headDim: c.HeadDim}
	for _, name := range []string{"rope_theta", "rotary_emb_base", "partial_rotary_factor", "rotary_pct", "rotary_dim"} {
		if err := r.member(name, name, members[name]); err != nil {
			return err
		}
	}
	for _, name := range []string{"rope_scaling", "rope_parameters"} {
		if err := r.object(name, members[name], 1); err != nil {
			return err
		}
	}
	c.RopeBase = r.base
	if r.where == "" {
		c.RopeBase = c.defaultBase()
	}
	if !(c.RopeBase >= 1 && c.RopeBase <= 1e12) {
		return fmt.Errorf("%s is %v, expected 1 to 1e12", r.where, c.RopeBase)
	}
	return nil
}

// defaultBase is that of the class.
func (c *hfConfig) defaultBase() float64 {
	if c.architecture() == "BitNetForCausalLM" {
		return 500000
	}
	return 10000
}

// object reads an object of the rotation's members, or one of such objects.
func (r *hfRotation) object(path string, value any, deeper int) error {
	members, ok := value.(map[string]any)
	if !ok {
		if value == nil {
			return nil
		}
		return fmt.Errorf("%.80q is no object", path)
	}
	if err := plainKind(path, members); err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		value, path := members[name], path+"."+name
		var err error
		if _, nested := value.(map[string]any); nested && deeper > 0 {
			err = r.object(path, value, deeper-1)
		} else {
			err = r.member(path, name, value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// plainKind refuses rotations of another kind. Linear scaling is none where the
// factor is 1, which member sees to.
func plainKind(path string, members map[string]any) error {
	for _, name := range []string{"rope_type", "type"} {
		switch kind := members[name]; kind {
		case nil, "", "default", "linear":
		default:
			return fmt.Errorf("%.80q: rope scaling of type %.40q is not supported", path+"."+name, fmt.Sprint(kind))
		}
	}
	return nil
}

// member reads one member.
func (r *hfRotation) member(path, name string, value any) error {
	if value == nil {
		return nil
	}
	want := 1.
	switch name {
	case "rope_theta", "rotary_emb_base":
		base, ok := value.(float64)
		if !ok {
			return fmt.Errorf("%.80q is %.40q, expected a number", path, fmt.Sprint(value))
		}
		if r.where != "" && r.base != base {
			return fmt.Errorf("%.80q is %v and %.80q is %v, expected the same", r.where, r.base, path, base)
		}
		r.base, r.where = base, path
		return nil
	case "rope_type", "type", "original_max_position_embeddings": // the last is for scaled rotations
		return nil
	case "rotary_dim":
		want = float64(r.headDim)
	case "factor", "attention_factor", "partial_rotary_factor", "rotary_pct":
	default:
		return fmt.Errorf("%.80q is not known here and may change the rotation: not supported", path)
	}
	if value != want {
		return fmt.Errorf("%.80q is %.40q, expected %v: a scaled or partial rotation is not supported", path, fmt.Sprint(value), want)
	}
	return nil
}
