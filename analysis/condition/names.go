package condition

import (
	"fmt"
	"math"
	"strconv"
)

// environment is what a condition sees beside the builtins of the language.
func environment(result any) map[string]any {
	names := numbers()
	names["result"] = result
	names["asInt"] = asInt
	names["asFloat"] = asFloat
	// isNil and default look at the result whatever they are given: that is how conditions in the field were written.
	names["isNil"] = func(any) bool { return result == nil }
	names["default"] = func(_, otherwise any) any {
		if result == nil {
			return otherwise
		}
		return result
	}
	return names
}

// numbers are the helpers that need no result.
func numbers() map[string]any {
	return map[string]any{
		"isNaN": math.IsNaN,
		"isInf": func(f float64) bool { return math.IsInf(f, 0) },
	}
}

// asInt takes a number or its text; fractions are cut off.
func asInt(x any) (int64, error) {
	switch x := x.(type) {
	case string:
		return strconv.ParseInt(x, 10, 64)
	case float64:
		return int64(x), nil
	}
	if n, ok := integer(x); ok {
		return n, nil
	}
	return 0, fmt.Errorf("asInt() not supported on %T %v", x, x)
}

// asFloat takes a number or its text.
func asFloat(x any) (float64, error) {
	switch x := x.(type) {
	case string:
		return strconv.ParseFloat(x, 64)
	case float64:
		return x, nil
	case float32:
		return float64(x), nil
	}
	if n, ok := integer(x); ok {
		return float64(n), nil
	}
	return 0, fmt.Errorf("asFloat() not supported on %T %v", x, x)
}

// integer widens the integers of the language and of providers.
func integer(x any) (int64, bool) {
	switch x := x.(type) {
	case int:
		return int64(x), true
	case int32:
		return int64(x), true
	case int64:
		return x, true
	}
	return 0, false
}
