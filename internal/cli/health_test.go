package cli

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"
)

func TestHealthTest(t *testing.T) {
	cases := map[string]struct {
		args     []string
		code     int
		out, err string
	}{
		"ours hold":                         {[]string{"../../health/resource_customizations"}, 0, "argoproj.io  Rollout      health testdata/rollback.yaml", ""},
		"as JUnit":                          {[]string{"../../health/resource_customizations", "-o", "junit"}, 0, `<testcase classname="argoproj.io/Rollout" name="health testdata/rollback.yaml"`, ""},
		"one kind alone":                    {[]string{"../../health/resource_customizations/argoproj.io/AnalysisRun"}, 0, "health testdata/failed.yaml", ""},
		"others' hold":                      {[]string{"../../testdata/health/others"}, 0, "action resize testdata/database.yaml", ""},
		"others' need their libraries":      {[]string{"../../testdata/health/others", "--open-libs=false"}, 1, "FAILED", "tests failed"},
		"what does not hold":                {[]string{"../../testdata/health/wrong"}, 1, "FAILED: got Progressing", "2 of 2 tests failed"},
		"a folder without tests":            {[]string{"../../testdata/health/wrong/example.io/Database/testdata"}, 1, "", "neither a health_test.yaml nor an action_test.yaml"},
		"what is no folder":                 {[]string{"health.go"}, 1, "", "health.go is not a directory"},
		"a format that nobody knows":        {[]string{"../../testdata/health/others", "-o", "yaml"}, 1, "", `unknown output format "yaml"`},
		"no folder":                         {nil, 1, "", "Usage:"},
		"its help has examples":             {[]string{"--help"}, 0, "kubectl argo rollouts health test resource_customizations -o junit > health.xml", ""},
		"a limit that nothing can stand by": {[]string{"../../health/resource_customizations", "--limit", "1ns"}, 1, "context deadline exceeded", "tests failed"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			env := &Environment{IOStreams: genericiooptions.IOStreams{In: &bytes.Buffer{}, Out: &out, ErrOut: &errOut},
				Flags: genericclioptions.NewConfigFlags(true), Now: func() time.Time { return noon }, Dumb: true}
			code := Run(env, append([]string{"health", "test"}, c.args...))
			if code != c.code || !strings.Contains(out.String(), c.out) || !strings.Contains(errOut.String(), c.err) {
				t.Errorf("exit code %d\n%s\n%s", code, out.String(), errOut.String())
			}
		})
	}
}
