package customization

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"time"

	"github.com/sluice-delivery/sluice/health/lua"
)

type actionTests struct {
	DiscoveryTests []struct {
		InputPath string       `json:"inputPath"`
		Result    []lua.Action `json:"result"`
	} `json:"discoveryTests"`
	ActionTests []actionTest `json:"actionTests"`
}

type actionTest struct {
	Action               string            `json:"action"`
	InputPath            string            `json:"inputPath"`
	ExpectedOutputPath   string            `json:"expectedOutputPath"`
	ExpectedErrorMessage string            `json:"expectedErrorMessage"`
	Parameters           map[string]string `json:"parameters"`
}

func (s *suite) actions(tests actionTests) {
	for _, test := range tests.DiscoveryTests {
		s.test("discovery "+test.InputPath, func() error { return s.discovery(test.InputPath, test.Result) })
	}
	for _, test := range tests.ActionTests {
		s.test("action "+test.Action+" "+test.InputPath, func() error { return s.action(test) })
	}
}

func (s *suite) discovery(input string, want []lua.Action) error {
	text, err := s.script("discovery.lua")
	if err != nil {
		return err
	}
	object, err := s.object(input)
	if err != nil {
		return err
	}
	ctx, cancel := s.bounded()
	defer cancel()
	got, err := s.host.Discover(ctx, text, object, s.Now())
	if err != nil {
		return err
	}
	got, want = sorted(got), sorted(want)
	for i := range max(len(got), len(want)) {
		switch {
		case i >= len(got):
			return fmt.Errorf("action %s is not offered", want[i].Name)
		case i >= len(want):
			return fmt.Errorf("action %s is offered, and not expected", got[i].Name)
		case !reflect.DeepEqual(got[i], want[i]):
			return fmt.Errorf("got %+v, want %+v", got[i], want[i])
		}
	}
	return nil
}

func (s *suite) action(test actionTest) error {
	text, err := s.script(test.Action, "action.lua")
	if err != nil {
		return err
	}
	object, err := s.object(test.InputPath)
	if err != nil {
		return err
	}
	ctx, cancel := s.bounded()
	defer cancel()
	now := s.Now()
	changes, err := s.host.Act(ctx, text, object, test.Parameters, now)
	switch expected := test.ExpectedErrorMessage; {
	case expected == "" && err != nil:
		return err
	case expected != "" && err == nil:
		return fmt.Errorf("it ended well, want the error %q", expected)
	case expected != "" && !strings.Contains(err.Error(), expected):
		return fmt.Errorf("got the error %q, want %q", err, expected)
	case expected != "":
		return nil
	}
	want, err := s.expected(test.ExpectedOutputPath)
	if err != nil {
		return err
	}
	if len(changes) != len(want) {
		return fmt.Errorf("it wants %d changes, not %d", len(changes), len(want))
	}
	for i := range want {
		if want[i].Operation != changes[i].Operation {
			return fmt.Errorf("change %d is a %s, not a %s", i, changes[i].Operation, want[i].Operation)
		}
		if place := difference("", changes[i].Object, want[i].Object, now); place != "" {
			return errors.New(place)
		}
	}
	return nil
}

// expected reads what should come out: one object, which is a patch, or a list with operations.
func (s *suite) expected(name string) ([]lua.Change, error) {
	var content any
	if err := s.decode(name, &content); err != nil {
		return nil, err
	}
	if object, single := content.(map[string]any); single {
		return []lua.Change{{Operation: "patch", Object: object}}, nil
	}
	list, is := content.([]any)
	if !is {
		return nil, fmt.Errorf("read %s: it holds neither an object nor a list", name)
	}
	var out []lua.Change
	for i, entry := range list {
		fields, _ := entry.(map[string]any)
		object, is := fields["unstructuredObj"].(map[string]any)
		if !is {
			return nil, fmt.Errorf("read %s: entry %d has no unstructuredObj", name, i)
		}
		operation, _ := fields["operation"].(string)
		out = append(out, lua.Change{Operation: operation, Object: object})
	}
	return out, nil
}

// difference names the first place where two values differ, or is empty. A file cannot know when it will be read: an
// instant that the action took from the clock is as good as any other.
func difference(at string, got, want any, now time.Time) string {
	switch w := want.(type) {
	case map[string]any:
		g, is := got.(map[string]any)
		if !is {
			break
		}
		return differentFields(at, g, w, now)
	case []any:
		g, is := got.([]any)
		if !is || len(g) != len(w) {
			break
		}
		for i := range w {
			if d := difference(fmt.Sprintf("%s[%d]", at, i), g[i], w[i], now); d != "" {
				return d
			}
		}
		return ""
	case string:
		if g, is := got.(string); is && (g == w || fresh(g, now) && instant(w)) {
			return ""
		}
	default:
		if equalNumbers(got, want) || got == want {
			return ""
		}
	}
	return fmt.Sprintf("%s: got %v, want %v", strings.TrimPrefix(at, "."), got, want)
}

func differentFields(at string, got, want map[string]any, now time.Time) string {
	for name, value := range want {
		g, found := got[name]
		if !found && value != nil {
			return fmt.Sprintf("%s.%s: is missing, want %v", at, name, value)
		}
		if d := difference(at+"."+name, g, value, now); d != "" {
			return d
		}
	}
	for name, value := range got {
		if _, expected := want[name]; !expected && value != nil {
			return fmt.Sprintf("%s.%s: got %v, want nothing", at, name, value)
		}
	}
	return ""
}

func equalNumbers(a, b any) bool {
	x, isX := number(a)
	y, isY := number(b)
	return isX && isY && x == y
}

func number(v any) (float64, bool) {
	switch n := v.(type) {
	case int64:
		return float64(n), true
	case float64:
		return n, true
	}
	return 0, false
}

func instant(text string) bool {
	_, err := time.Parse(time.RFC3339, text)
	return err == nil
}

// fresh says whether a text is the instant of the run.
func fresh(text string, now time.Time) bool {
	t, err := time.Parse(time.RFC3339, text)
	return err == nil && t.Equal(now.Truncate(time.Second))
}
