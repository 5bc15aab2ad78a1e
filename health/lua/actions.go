package lua

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	vm "github.com/yuin/gopher-lua"
)

// Action is what a discovery script offers for an object (argocd-spec 2.5).
type Action struct {
	Name        string  `json:"name"`
	Disabled    bool    `json:"disabled,omitempty"`
	DisplayName string  `json:"displayName,omitempty"`
	IconClass   string  `json:"iconClass,omitempty"`
	Params      []Param `json:"params,omitempty"`
}

// Param is what an action asks for.
type Param struct {
	Name    string `json:"name"`
	Value   string `json:"value,omitempty"`
	Type    string `json:"type,omitempty"`
	Default string `json:"default,omitempty"`
}

// Change is what an action wants done: an object as it should be.
type Change struct {
	// Operation is "patch" (of the object the action was called on) or "create".
	Operation string
	Object    map[string]any
}

// Discover asks which actions there are, sorted by name. Actions never run with open libraries.
func (h *Host) Discover(ctx context.Context, text string, obj map[string]any, now time.Time) ([]Action, error) {
	var actions []Action
	err := h.run(ctx, task{Script: Script{Text: text}, globals: map[string]any{"obj": obj}, now: now, whole: true}, func(v vm.LValue) error {
		value, err := tableOf(v)
		if err != nil {
			return err
		}
		offered, named := value.(map[string]any)
		if list, isList := value.([]any); !named && isList && len(list) > 0 {
			return errors.New("actions have to be a table by name")
		}
		for _, name := range sortedKeys(offered) {
			action := Action{}
			if extras, some := offered[name].(map[string]any); some {
				if err := remarshal(extras, &action); err != nil {
					return fmt.Errorf("action %s: %w", name, err)
				}
			}
			action.Name = name
			actions = append(actions, action)
		}
		return nil
	})
	return actions, err
}

// Act runs an action: the script gets obj and actionParams. It returns the object as it should be, or a list of
// {operation, resource}. A patch of any other object is refused, and so is any other operation.
func (h *Host) Act(ctx context.Context, text string, obj map[string]any, params map[string]string, now time.Time) ([]Change, error) {
	given := map[string]any{}
	for name, value := range params {
		given[name] = value
	}
	var changes []Change
	globals := map[string]any{"obj": obj, "actionParams": given}
	err := h.run(ctx, task{Script{Text: text}, globals, now, true}, func(v vm.LValue) error {
		value, err := tableOf(v)
		if err != nil {
			return err
		}
		if whole, single := value.(map[string]any); single {
			value = []any{map[string]any{"operation": "patch", "resource": whole}}
		}
		for _, entry := range value.([]any) {
			change, err := changeOf(entry, obj)
			if err != nil {
				return err
			}
			changes = append(changes, change)
		}
		return nil
	})
	return changes, err
}

func tableOf(v vm.LValue) (any, error) {
	t, is := v.(*vm.LTable)
	if !is {
		return nil, fmt.Errorf("expect %s output from Lua script, not %s", "table", v.Type())
	}
	return fromLua(t)
}

func remarshal(from, into any) error {
	text, err := json.Marshal(from)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, into)
}

func changeOf(entry any, source map[string]any) (Change, error) {
	fields, _ := entry.(map[string]any)
	operation, _ := fields["operation"].(string)
	resource, is := fields["resource"].(map[string]any)
	if !is {
		return Change{}, errors.New("an action has to return an object, or a list of tables with operation and resource")
	}
	switch operation {
	case "create":
		return Change{operation, resource}, nil
	case "patch":
		if !sameObject(resource, source) {
			return Change{}, errors.New("an action may patch only the object that it was called on")
		}
		return Change{operation, repaired(resource, source).(map[string]any)}, nil
	}
	return Change{}, fmt.Errorf("unsupported operation: %s", operation)
}

func sameObject(a, b map[string]any) bool {
	metadata := func(o map[string]any, name string) any {
		m, _ := o["metadata"].(map[string]any)
		return m[name]
	}
	return a["apiVersion"] == b["apiVersion"] && a["kind"] == b["kind"] &&
		metadata(a, "name") == metadata(b, "name") && metadata(a, "namespace") == metadata(b, "namespace")
}

// repaired makes an empty list what the original has in its place: an empty table says nothing of its kind.
func repaired(value, original any) any {
	switch v := value.(type) {
	case map[string]any:
		before, _ := original.(map[string]any)
		for name, field := range v {
			v[name] = repaired(field, before[name])
		}
	case []any:
		if _, wasObject := original.(map[string]any); wasObject && len(v) == 0 {
			return map[string]any{}
		}
		before, _ := original.([]any)
		for i := range v {
			if i < len(before) {
				v[i] = repaired(v[i], before[i])
			}
		}
	}
	return value
}
