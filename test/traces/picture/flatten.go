package picture

import (
	"fmt"
	"regexp"
	"strconv"

	"github.com/sluice-delivery/sluice/test/traces/recording"
)

// keyed are lists whose elements are told apart by a field instead of by position.
var keyed = map[string]string{
	"conditions":       "type",
	"metricResults":    "name",
	"templateStatuses": "name",
	"analysisRuns":     "name",
}

var plainKey = regexp.MustCompile(`^[A-Za-z0-9_-]+$`)

// Flatten lists all scalars below a value by their path. Nulls and empty maps and
// lists are left out: they say the same as an absent field.
func Flatten(value any) recording.Facts {
	facts := recording.Facts{}
	flatten(facts, "", "", value)
	return facts
}

func flatten(facts recording.Facts, path, key string, value any) {
	switch v := value.(type) {
	case nil:
	case map[string]any:
		for k, element := range v {
			flatten(facts, path+step(k), k, element)
		}
	case []any:
		field := keyed[key]
		for i, element := range v {
			flatten(facts, path+"["+label(field, i, element)+"]", "", element)
		}
	default:
		facts[path] = recording.Scalar(v)
	}
}

func step(key string) string {
	if plainKey.MatchString(key) {
		return "." + key
	}
	return "[" + strconv.Quote(key) + "]"
}

func label(field string, index int, element any) string {
	if m, ok := element.(map[string]any); ok && field != "" {
		if name := fmt.Sprint(m[field]); m[field] != nil {
			return name
		}
	}
	return strconv.Itoa(index)
}
