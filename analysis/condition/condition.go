// Package condition evaluates the expressions in which a person says what a good measurement is (spec 5.4).
// The language is expr-lang; this package adds the names that expressions see, the truth table of the two conditions
// and the texts of errors. Where a result comes from, and what a verdict means for a run, is left to others.
package condition

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Judge says what a result amounts to under a success and a failure condition, either of which may be empty.
// now is what the expression sees as now(). An error means that a condition could not be evaluated; its text names
// the condition as it was given, arguments included.
func Judge(success, failure string, result any, now time.Time) (v1alpha1.AnalysisPhase, error) {
	succeeded, err := holds("successCondition", success, result, now)
	if err != nil {
		return v1alpha1.AnalysisPhaseError, err
	}
	failed, err := holds("failureCondition", failure, result, now)
	if err != nil {
		return v1alpha1.AnalysisPhaseError, err
	}
	switch {
	case success == "" && failure == "":
		return v1alpha1.AnalysisPhaseSuccessful, nil
	case failed:
		return v1alpha1.AnalysisPhaseFailed, nil
	case succeeded || success == "":
		return v1alpha1.AnalysisPhaseSuccessful, nil
	case failure == "":
		return v1alpha1.AnalysisPhaseFailed, nil
	}
	return v1alpha1.AnalysisPhaseInconclusive, nil
}

// holds evaluates one condition. An empty one does not hold.
func holds(name, condition string, result any, now time.Time) (bool, error) {
	if condition == "" {
		return false, nil
	}
	value, err := evaluate(condition, environment(result), now)
	if err == nil {
		if held, ok := value.(bool); ok {
			return held, nil
		}
		err = fmt.Errorf("expected bool, but got %T", value)
	}
	if empty(result) {
		err = errors.New("metric result is nil or empty: no data returned from the metric provider")
	}
	return false, fmt.Errorf(`could not evaluate %s "%s": %w`, name, condition, err)
}

// Time evaluates an expression that has to yield an instant, such as now() - duration("1h"). No result is in sight.
func Time(expression string, now time.Time) (time.Time, error) {
	value, err := evaluate(expression, numbers(), now)
	if err != nil {
		return time.Time{}, err
	}
	if at, ok := value.(time.Time); ok {
		return at, nil
	}
	return time.Time{}, fmt.Errorf("expected time.Time, but got %T", value)
}

// evaluate compiles and runs an expression. Of the library's errors only the message is kept: the picture of the
// source that follows it is of no use in a status.
func evaluate(expression string, names map[string]any, now time.Time) (any, error) {
	program, err := expr.Compile(expression, expr.Env(names), expr.DisableBuiltin("now"),
		expr.Function("now", func(...any) (any, error) { return now, nil }, new(func() time.Time)))
	if err != nil {
		return nil, plain(err)
	}
	value, err := expr.Run(program, names)
	return value, plain(err)
}

func plain(err error) error {
	if where := (*file.Error)(nil); errors.As(err, &where) {
		return errors.New(where.Message)
	}
	return err
}

// empty reports whether a result is nil or a list without entries.
func empty(result any) bool {
	if result == nil {
		return true
	}
	v := reflect.ValueOf(result)
	return (v.Kind() == reflect.Slice || v.Kind() == reflect.Array) && v.Len() == 0
}
