package mapping

import (
	"errors"
	"fmt"
	"math"

	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/common/types/ref"
	"cel.dev/cel-go/common/types/traits"
)

// maxExact is the last whole number up to which float64 holds every one.
const maxExact = 1 << 53

var errInexact = errors.New("the number is too large to be exact")

// plain converts a CEL value to what encoding/json makes of JSON. An optional
// that is empty is nil.
func plain(v ref.Val) (any, error) {
	switch v := v.(type) {
	case types.Null:
		return nil, nil
	case types.Bool:
		return bool(v), nil
	case types.String:
		return string(v), nil
	case types.Int:
		return exact(float64(v), v >= -maxExact && v <= maxExact)
	case types.Uint:
		return exact(float64(v), v <= maxExact)
	case types.Double:
		// JSON has neither infinity nor not-a-number (RFC 8259 §6).
		return exact(float64(v), !math.IsInf(float64(v), 0) && !math.IsNaN(float64(v)))
	case *types.Optional:
		if !v.HasValue() {
			return nil, nil
		}
		return plain(v.GetValue())
	case traits.Mapper:
		return plainMap(v)
	case traits.Lister:
		return plainList(v)
	}
	return nil, fmt.Errorf("a %s is not a JSON value", v.Type().TypeName())
}

func exact(f float64, ok bool) (any, error) {
	if !ok {
		return nil, errInexact
	}
	return f, nil
}

func plainMap(m traits.Mapper) (any, error) {
	object := make(map[string]any)
	for it := m.Iterator(); it.HasNext() == types.True; {
		key := it.Next()
		name, ok := key.(types.String)
		if !ok {
			return nil, fmt.Errorf("a %s is not a JSON member name", key.Type().TypeName())
		}
		value, err := plain(m.Get(key))
		if err != nil {
			return nil, err
		}
		object[string(name)] = value
	}
	return object, nil
}

func plainList(l traits.Lister) (any, error) {
	array := []any{}
	for it := l.Iterator(); it.HasNext() == types.True; {
		value, err := plain(it.Next())
		if err != nil {
			return nil, err
		}
		array = append(array, value)
	}
	return array, nil
}
