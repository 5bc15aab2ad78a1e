package deliver

import (
	"io"
	"maps"
	"slices"

	"github.com/argoproj/notifications-engine/pkg/services"
	"github.com/argoproj/notifications-engine/pkg/triggers"
)

// A Template is one as it was written. Its JSON form is that of the configuration.
type Template struct {
	Name       string
	Preview    string // its message, or what else it has, in one line
	Definition services.Notification
}

// Templates are those of the configuration, by name.
func (d *Door) Templates() (all []Template) {
	for _, name := range slices.Sorted(maps.Keys(d.sources)) {
		definition := d.sources[name]
		all = append(all, Template{name, definition.Preview(), definition})
	}
	return all
}

// Conditions are the entries of a trigger as they were written; none when it is not configured.
func (d *Door) Conditions(trigger string) (all []triggers.Condition) {
	for _, c := range d.triggers[trigger] {
		all = append(all, c.Condition)
	}
	return all
}

// WithConsole is the same configuration with one service more, console, which prints notifications as YAML.
func (d *Door) WithConsole(out io.Writer) *Door {
	more := *d
	more.services = maps.Clone(d.services)
	more.services["console"] = services.NewConsoleService(out)
	return &more
}
