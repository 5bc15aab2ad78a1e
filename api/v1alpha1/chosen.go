package v1alpha1

import (
	"reflect"
	"slices"
	"strings"
)

// A Choice is one of the kinds that are set in a one-of struct.
//
// +kubebuilder:object:generate=false
type Choice struct {
	// Name is the field's JSON name, which is the key of the catalog, e.g. "prometheus".
	Name string
	// Plugin is the name of the plugin, where the field is the open map "plugin" or "plugins". Else empty.
	Plugin string
	// Value is the pointer that is set, e.g. *PrometheusMetric; for a plugin its json.RawMessage.
	Value any
}

// Chosen lists the kinds that are set in a MetricProvider or a RolloutTrafficRouting, or a pointer to one, in the order
// of its fields: every pointer to a struct, and every entry of a map of plugins by name. Plain fields, such as
// maxTrafficWeight, are no kinds. Of nil it is nothing.
func Chosen(spec any) []Choice {
	v := reflect.Indirect(reflect.ValueOf(spec))
	if v.Kind() != reflect.Struct {
		return nil
	}
	var chosen []Choice
	for i := range v.NumField() {
		name, _, _ := strings.Cut(v.Type().Field(i).Tag.Get("json"), ",")
		chosen = append(chosen, kinds(name, v.Field(i))...)
	}
	return chosen
}

func kinds(name string, f reflect.Value) []Choice {
	switch f.Kind() {
	case reflect.Pointer:
		if f.IsNil() || f.Type().Elem().Kind() != reflect.Struct {
			return nil
		}
		return []Choice{{Name: name, Value: f.Interface()}}
	case reflect.Map:
		var chosen []Choice
		for _, key := range f.MapKeys() {
			chosen = append(chosen, Choice{Name: name, Plugin: key.String(), Value: f.MapIndex(key).Interface()})
		}
		slices.SortFunc(chosen, func(a, b Choice) int { return strings.Compare(a.Plugin, b.Plugin) })
		return chosen
	}
	return nil
}
