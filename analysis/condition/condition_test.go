package condition

import (
	"math"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

func TestJudge(t *testing.T) {
	list := []any{1.0, 2.0, 3.0}
	document := map[string]any{"a": 1.0, "b": map[string]any{"c": "x"}}
	for name, c := range map[string]struct {
		success, failure string
		result           any
		want             v1alpha1.AnalysisPhase
	}{
		"without conditions every answer is a success":      {"", "", 5.0, "Successful"},
		"without conditions no answer is a success too":     {"", "", nil, "Successful"},
		"a success condition that holds":                    {"result > 3", "", 5.0, "Successful"},
		"a success condition that does not hold":            {"result > 9", "", 5.0, "Failed"},
		"a failure condition that holds":                    {"", "result > 3", 5.0, "Failed"},
		"a failure condition that does not hold":            {"", "result > 9", 5.0, "Successful"},
		"the failure wins when both hold":                   {"result > 3", "result > 4", 5.0, "Failed"},
		"only the success holds":                            {"result > 3", "result > 9", 5.0, "Successful"},
		"neither holds":                                     {"result > 9", "result < 3", 5.0, "Inconclusive"},
		"asInt cuts off the fraction":                       {"asInt(result) == 5", "", 5.9, "Successful"},
		"asInt reads text":                                  {"asInt(result) == 42", "", "42", "Successful"},
		"asFloat reads text":                                {"asFloat(result) > 0.4 && asFloat(result) < 0.6", "", "0.5", "Successful"},
		"asFloat widens an integer of the language":         {"asFloat(3) == 3.0", "", 1.0, "Successful"},
		"a number is neither NaN nor infinite":              {"!isNaN(result) && !isInf(result)", "", 5.9, "Successful"},
		"NaN in a vector":                                   {"isNaN(result[0])", "", []float64{math.NaN()}, "Successful"},
		"minus infinity is infinite":                        {"isInf(result[0])", "", []float64{math.Inf(-1)}, "Successful"},
		"nil is nil":                                        {"isNil(result)", "", nil, "Successful"},
		"isNil looks at the result whatever it is given":    {"isNil(5)", "", nil, "Successful"},
		"default of nil":                                    {"default(result, 3) == 3", "", nil, "Successful"},
		"default of a value":                                {"default(result, 3) > 5", "", 5.9, "Successful"},
		"an empty vector is not nil":                        {"default(result, 0) == 0", "", []float64{}, "Failed"},
		"an empty vector can be counted":                    {"len(result) == 0", "", []float64{}, "Successful"},
		"lists":                                             {"all(result, {# > 0}) && len(result) == 3 && result[-1] == 3", "", list, "Successful"},
		"sums, maxima and means":                            {"sum(result) == 6 && max(result) == 3 && mean(result) == 2", "", list, "Successful"},
		"maps":                                              {"result.a == 1 && result['b'].c == 'x'", "", document, "Successful"},
		"membership":                                        {"result in ['four', 'five']", "", "five", "Successful"},
		"regular expressions":                               {"result matches '^f.*e$'", "", "five", "Successful"},
		"the ternary":                                       {"(result > 5 ? 'high' : 'low') == 'high'", "", 5.9, "Successful"},
		"a boolean result is a condition":                   {"result", "", true, "Successful"},
		"now is the instant that the caller gives":          {`now() == date("2026-11-20T12:00:00Z")`, "", 1.0, "Successful"},
		"the documented Prometheus condition":               {"result[0] >= 0.95", "", []float64{0.99}, "Successful"},
		"quotes inside a condition are no quotes around it": {`result == "say \"five\"" || 5 == 5`, "", "x", "Successful"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Judge(c.success, c.failure, c.result, noon)
			if err != nil || got != c.want {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// The texts are those of the recordings analysis-condition-errors and analysis-run-prometheus-values.
func TestJudgeSaysWhatIsWrong(t *testing.T) {
	const nothing = "metric result is nil or empty: no data returned from the metric provider"
	list := []any{1.0, 2.0}
	for name, c := range map[string]struct {
		success, failure string
		result           any
		want             string
	}{
		"syntax":                    {"result >", "", 5.0, `could not evaluate successCondition "result >": unexpected token EOF`},
		"an unknown name":           {"reslt > 1", "", 5.0, `could not evaluate successCondition "reslt > 1": unknown name reslt`},
		"an unknown function":       {"round2(result) > 1", "", 5.0, `could not evaluate successCondition "round2(result) > 1": unknown name round2`},
		"not a bool":                {"result + 1", "", 5.0, `could not evaluate successCondition "result + 1": expected bool, but got float64`},
		"a wrong type":              {"result > 1", "", "five", `could not evaluate successCondition "result > 1": invalid operation: > (mismatched types string and int)`},
		"an index out of range":     {"result[5] > 1", "", list, `could not evaluate successCondition "result[5] > 1": index out of range: 5 (array length is 2)`},
		"a word as int":             {"asInt(result) > 1", "", "five", `could not evaluate successCondition "asInt(result) > 1": strconv.ParseInt: parsing "five": invalid syntax`},
		"a list as float":           {"asFloat(result) > 1", "", list, `could not evaluate successCondition "asFloat(result) > 1": asFloat() not supported on []interface {} [1 2]`},
		"a list as int":             {"asInt(result) > 1", "", list, `could not evaluate successCondition "asInt(result) > 1": asInt() not supported on []interface {} [1 2]`},
		"a nil result":              {"result > 1", "", nil, `could not evaluate successCondition "result > 1": ` + nothing},
		"an empty list":             {"result[0] > 1", "", []any{}, `could not evaluate successCondition "result[0] > 1": ` + nothing},
		"an empty vector":           {"result[0] > 0", "", []float64{}, `could not evaluate successCondition "result[0] > 0": ` + nothing},
		"a missing field":           {"result.absent > 1", "", map[string]any{"a": 1.0}, `could not evaluate successCondition "result.absent > 1": invalid operation: <nil> > int`},
		"a broken failure":          {"result > 1", "result ==", 5.0, `could not evaluate failureCondition "result ==": unexpected token EOF`},
		"the success is read first": {"result >", "result ==", 5.0, `could not evaluate successCondition "result >": unexpected token EOF`},
		"quotes are not escaped":    {`result == "a`, "", 5.0, `could not evaluate successCondition "result == "a": literal not terminated`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Judge(c.success, c.failure, c.result, noon)
			if err == nil || err.Error() != c.want || got != v1alpha1.AnalysisPhaseError {
				t.Errorf("got %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

func TestTime(t *testing.T) {
	for name, c := range map[string]struct {
		expression string
		want       time.Time
		err        string
	}{
		"now":                    {"now()", noon, ""},
		"an hour ago":            {`now() - duration("1h")`, noon.Add(-time.Hour), ""},
		"a date":                 {`date("2026-11-20T11:30:00Z")`, noon.Add(-30 * time.Minute), ""},
		"not a time":             {"1 + 1", time.Time{}, "expected time.Time, but got int"},
		"the result is not seen": {"result", time.Time{}, "unknown name result"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Time(c.expression, noon)
			if text(err) != c.err || !got.Equal(c.want) {
				t.Errorf("got %v, %v; want %v, %s", got, err, c.want, c.err)
			}
		})
	}
}

func text(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}
