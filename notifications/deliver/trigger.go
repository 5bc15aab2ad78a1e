package deliver

import (
	"cmp"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"fmt"

	"github.com/argoproj/notifications-engine/pkg/triggers"
	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"

	"github.com/sluice-delivery/sluice/notifications"
)

// A condition is one entry of a trigger, compiled. The engine's own evaluation hides its errors in a log, which here
// nobody reads; the form of its keys is kept, since they are in annotations.
type condition struct {
	triggers.Condition
	when, oncePer *vm.Program // nil: none
}

func compile(list []triggers.Condition) ([]condition, error) {
	var all []condition
	for i, c := range list {
		compiled := condition{Condition: c}
		for _, e := range []struct {
			text string
			to   **vm.Program
		}{{c.When, &compiled.when}, {c.OncePer, &compiled.oncePer}} {
			if e.text == "" {
				continue
			}
			program, err := expr.Compile(e.text)
			if err != nil {
				return nil, fmt.Errorf("entry %d: %w", i, err)
			}
			*e.to = program
		}
		all = append(all, compiled)
	}
	return all, nil
}

// Evaluate runs a trigger. One that is not configured has no entries. An entry whose expression fails does not hold;
// the error names it, and the other entries are evaluated nevertheless.
func (d *Door) Evaluate(trigger string, variables map[string]any) ([]notifications.Entry, error) {
	vars := d.variables(variables)
	var entries []notifications.Entry
	var problems []error
	for i, c := range d.triggers[trigger] {
		hash := sha1.Sum([]byte(c.When))
		e := notifications.Entry{Key: fmt.Sprintf("[%d].%s", i, base64.RawURLEncoding.EncodeToString(hash[:])),
			Templates: c.Send, Conditional: c.when != nil}
		if err := c.evaluate(&e, vars); err != nil {
			problems = append(problems, fmt.Errorf("trigger %s, entry %d: %w", trigger, i, d.clean(err)))
		}
		entries = append(entries, e)
	}
	return entries, errors.Join(problems...)
}

func (c condition) evaluate(e *notifications.Entry, vars map[string]any) error {
	if c.when == nil {
		return nil
	}
	value, err := expr.Run(c.when, vars)
	if err != nil {
		return err
	}
	holds, isBool := value.(bool)
	if !isBool {
		return fmt.Errorf("%s is %v, neither true nor false", cmp.Or(c.When, "when"), value)
	}
	e.True = holds
	if !holds || c.oncePer == nil {
		return nil
	}
	once, err := expr.Run(c.oncePer, vars)
	if err != nil {
		return fmt.Errorf("oncePer: %w", err)
	}
	e.OncePer = fmt.Sprint(once)
	return nil
}
