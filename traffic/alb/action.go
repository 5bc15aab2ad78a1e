package alb

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
)

// Annotations of the load balancer controller end in one of these and a name.
const (
	actions    = "actions."
	conditions = "conditions."
)

const longestStickiness = 604800 // seconds, seven days

// An action is the value of an actions annotation. Order and names of the fields are part of the wire format.
type action struct {
	Type          string
	ForwardConfig forwardConfig
}

type forwardConfig struct {
	TargetGroups                []targetGroup
	TargetGroupStickinessConfig *stickiness `json:",omitempty"`
}

type targetGroup struct {
	ServiceName string
	ServicePort string
	Weight      int32
}

type stickiness struct {
	Enabled         bool
	DurationSeconds int64
}

// A condition is one entry of a conditions annotation.
type condition struct {
	Field            string           `json:"field"`
	HTTPHeaderConfig httpHeaderConfig `json:"httpHeaderConfig"`
}

type httpHeaderConfig struct {
	HTTPHeaderName string   `json:"httpHeaderName"`
	Values         []string `json:"values"`
}

func forwardTo(groups ...targetGroup) action {
	return action{Type: "forward", ForwardConfig: forwardConfig{TargetGroups: groups}}
}

func (x *Router) group(service string, weight int32) targetGroup {
	return targetGroup{ServiceName: service, ServicePort: strconv.Itoa(int(x.config.ServicePort)), Weight: weight}
}

func (a action) text() (string, error) {
	text, err := json.Marshal(a)
	return string(text), err
}

// group finds the target group of a Service.
func (a action) group(service string) (targetGroup, bool) {
	i := slices.IndexFunc(a.ForwardConfig.TargetGroups, func(g targetGroup) bool { return g.ServiceName == service })
	if i < 0 {
		return targetGroup{}, false
	}
	return a.ForwardConfig.TargetGroups[i], true
}

func parse(text string) (action, error) {
	var a action
	if err := json.Unmarshal([]byte(text), &a); err != nil {
		return a, fmt.Errorf("read action: %w", err)
	}
	return a, nil
}
