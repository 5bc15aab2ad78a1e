package notifications

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Annotations by which an object subscribes. The short ones hold recipients separated by semicolons, the long one YAML.
const (
	subscribe     = "notifications.argoproj.io/subscribe."
	subscriptions = "notifications.argoproj.io/subscriptions"
)

// Subscribers are those who are told, by trigger.
type Subscribers map[string][]Destination

// Settings say who is told without, or beside, an annotation.
type Settings struct {
	Global          []Subscription
	DefaultTriggers []string            // of those who name no trigger
	ServiceDefaults map[string][]string // the same for one service; they go first
}

// A Subscription is made for every object that has certain labels.
type Subscription struct {
	Recipients []string // service:recipient
	Triggers   []string // empty: the default ones
	Selector   labels.Selector
}

// Subscribers of an object: those of the settings and those that its annotations name, each once per trigger. An
// annotation that cannot be read is an error, and the others hold nevertheless.
func (s Settings) Subscribers(objectLabels, annotations map[string]string) (Subscribers, error) {
	all := Subscribers{}
	for _, sub := range s.Global {
		if sub.Selector != nil && !sub.Selector.Matches(labels.Set(objectLabels)) {
			continue
		}
		for _, recipient := range sub.Recipients {
			service, name, _ := strings.Cut(recipient, ":")
			all.add(s.or(sub.Triggers, ""), Destination{service, name})
		}
	}
	var problem error
	for _, key := range slices.Sorted(maps.Keys(annotations)) {
		switch rest, short := strings.CutPrefix(key, subscribe); {
		case short:
			s.short(all, rest, annotations[key])
		case key == subscriptions:
			problem = s.long(all, annotations[key])
		}
	}
	return all, problem
}

// or is the triggers that somebody named or, if none, the default ones of a service.
func (s Settings) or(triggers []string, service string) []string {
	if len(triggers) > 0 {
		return triggers
	}
	if own, ok := s.ServiceDefaults[service]; ok {
		return own
	}
	return s.DefaultTriggers
}

// short reads <trigger>.<service>, or <service> alone. No recipient at all is one without a name.
func (s Settings) short(all Subscribers, key, value string) {
	parts := strings.Split(key, ".")
	service, triggers := parts[0], []string(nil)
	if len(parts) > 1 {
		service, triggers = parts[1], parts[:1]
	}
	if value == "" {
		all.add(s.or(triggers, service), Destination{Service: service})
	}
	for name := range strings.SplitSeq(value, ";") {
		if name = strings.TrimSpace(name); name != "" {
			all.add(s.or(triggers, service), Destination{service, name})
		}
	}
}

func (s Settings) long(all Subscribers, value string) error {
	var list []struct {
		Trigger      []string `json:"trigger"`
		Destinations []struct {
			Service    string   `json:"service"`
			Recipients []string `json:"recipients"`
		} `json:"destinations"`
	}
	if err := yaml.Unmarshal([]byte(value), &list); err != nil {
		return fmt.Errorf("read annotation %s: %w", subscriptions, err)
	}
	for _, sub := range list {
		for _, d := range sub.Destinations {
			for _, name := range d.Recipients {
				all.add(s.or(sub.Trigger, d.Service), Destination{d.Service, name})
			}
		}
	}
	return nil
}

func (all Subscribers) add(triggers []string, d Destination) {
	for _, t := range triggers {
		if !slices.Contains(all[t], d) {
			all[t] = append(all[t], d)
		}
	}
}
