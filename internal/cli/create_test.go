package cli

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

func header(kind, name string) string {
	return "apiVersion: argoproj.io/v1alpha1\nkind: " + kind + "\nmetadata: {name: " + name + "}\n"
}

func TestCreate(t *testing.T) {
	for name, tc := range map[string]struct {
		files       []string
		args        string
		out, errOut string // errOut is how the error begins
	}{
		"a rollout":            {[]string{header("Rollout", "web") + "spec: {replicas: 2}"}, "", "rollout.argoproj.io/web created\n", ""},
		"an experiment":        {[]string{header("Experiment", "e") + "spec: {templates: []}"}, "", "experiment.argoproj.io/e created\n", ""},
		"an analysis template": {[]string{header("AnalysisTemplate", "t") + "spec: {}"}, "", "analysistemplate.argoproj.io/t created\n", ""},
		"a cluster template":   {[]string{header("ClusterAnalysisTemplate", "t") + "spec: {}"}, "", "clusteranalysistemplate.argoproj.io/t created\n", ""},
		"an analysis run":      {[]string{header("AnalysisRun", "r") + "spec: {metrics: []}"}, "", "analysisrun.argoproj.io/r created\n", ""},
		"JSON": {[]string{`{"apiVersion":"argoproj.io/v1alpha1","kind":"Rollout","metadata":{"name":"web"},"spec":{}}`}, "",
			"rollout.argoproj.io/web created\n", ""},
		"two files": {[]string{header("Rollout", "a") + "spec: {}", header("Rollout", "b") + "spec: {}"}, "",
			"rollout.argoproj.io/a created\nrollout.argoproj.io/b created\n", ""},
		"an unknown field": {[]string{header("Rollout", "web") + "spec: {replicaz: 2}"}, "", "", `: unknown field "spec.replicaz"`},
		"a field that is there twice": {[]string{header("Rollout", "web") + "spec: {replicas: 2, replicas: 3}"}, "", "",
			`: yaml: unmarshal errors: line 4: key "replicas" already set in map`},
		"several documents": {[]string{header("Rollout", "web") + "spec: {}\n---\n" + header("Rollout", "b") + "spec: {}"}, "", "",
			": one document is expected, and there are 2"},
		"another kind":                   {[]string{"apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: d}"}, "", "", "creates of apps/Deployment unsupported"},
		"another version of the group":   {[]string{"apiVersion: argoproj.io/v1\nkind: Rollout\nmetadata: {name: d}"}, "", "", "creates of argoproj.io/Rollout unsupported"},
		"an Application":                 {[]string{header("Application", "a")}, "", "", "creates of argoproj.io/Application unsupported"},
		"several files with a watch":     {[]string{"", ""}, "--watch", "", "Cannot watch multiple resources"},
		"a template with a watch":        {[]string{header("AnalysisTemplate", "t") + "spec: {}"}, "-w", "", "Can only watch resources of type Rollout or Experiment"},
		"what is there already, by name": {[]string{header("Rollout", "taken") + "spec: {}"}, "", "", `rollouts.argoproj.io "taken" already exists`},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(rollout("taken"))
			args := append([]string{"create"}, strings.Fields(tc.args)...)
			dir := t.TempDir()
			for i, content := range tc.files {
				file := filepath.Join(dir, string(rune('a'+i)))
				if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
					t.Fatal(err)
				}
				args = append(args, "-f", file)
			}
			code := w.run(args...)
			said := strings.ReplaceAll(w.errOut.String(), filepath.Join(dir, "a"), "")
			if (code == 0) != (tc.errOut == "") || w.out.String() != tc.out || tc.errOut != "" && said != "Error: "+tc.errOut+"\n" {
				t.Errorf("code %d, said %q and %q", code, w.out.String(), said)
			}
		})
	}
}

func TestCreateKeepsWhatWasWritten(t *testing.T) {
	w := newWorld()
	w.in.WriteString(header("Rollout", "web") + "spec: {template: {spec: {containers: [{name: web, image: x}]}}}")
	if code := w.run("create", "-f", "-", "-n", "staging"); code != 0 {
		t.Fatal(w.errOut.String())
	}
	r := &v1alpha1.Rollout{}
	if err := w.Get(context.Background(), client.ObjectKey{Namespace: "staging", Name: "web"}, r); err != nil {
		t.Fatal(err)
	}
	if got := r.Spec.Template.Spec.Containers[0].Image; got != "x" || r.Spec.Replicas != nil {
		t.Errorf("image %q, replicas %v", got, r.Spec.Replicas)
	}
}

func TestCreateAnalysisRun(t *testing.T) {
	spec := v1alpha1.AnalysisTemplateSpec{
		Args:    []v1alpha1.Argument{{Name: "service"}, {Name: "rate", Value: new("0.9")}},
		Metrics: []v1alpha1.Metric{{Name: "success"}},
	}
	own := &v1alpha1.AnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "success-rate", Namespace: "production"}, Spec: spec}
	global := &v1alpha1.ClusterAnalysisTemplate{ObjectMeta: metav1.ObjectMeta{Name: "for-all"}, Spec: spec}
	global.Spec.Templates = []v1alpha1.TemplateRef{{TemplateName: "gone"}}
	file := filepath.Join(t.TempDir(), "t.yaml")
	content, err := yaml.Marshal(map[string]any{
		"apiVersion": "argoproj.io/v1alpha1", "kind": "AnalysisTemplate", "metadata": map[string]any{}, "spec": own.Spec})
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, content, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		args   string
		run    string // name of the run; a dash at the end: the rest is made up
		errOut string
	}{
		"from a template":                              {"--from success-rate -a service=web", "success-rate-", ""},
		"with a name":                                  {"--from success-rate -a service=web --name my-run", "my-run", ""},
		"with the beginning of a name":                 {"--from success-rate -a service=web --generate-name my-", "my-", ""},
		"from a file":                                  {"--from-file " + file + " -a service=a=b --name f", "f", ""},
		"from a file without a name":                   {"--from-file " + file + " -a service=web", "", "name is invalid"},
		"from nothing":                                 {"-a service=web", "", "one of --from or --from-file must be specified"},
		"an argument without a value":                  {"--from success-rate -a service", "", "arguments must be in the form NAME=VALUE"},
		"an argument that is missing":                  {"--from success-rate", "", "args.service was not resolved"},
		"a template that is not there":                 {"--from gone", "", `analysistemplates.argoproj.io "gone" not found`},
		"a template of the cluster":                    {"--from success-rate --global", "", `clusteranalysistemplates.argoproj.io "success-rate" not found`},
		"a template that names one which is not there": {"--from for-all --global -a service=web", "", "AnalysisTemplate 'gone' not found"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(own.DeepCopy(), global.DeepCopy())
			code := w.run(append([]string{"create", "analysisrun", "--instance-id", "mine"}, strings.Fields(tc.args)...)...)
			if tc.errOut != "" {
				if code != 1 || w.errOut.String() != "Error: "+tc.errOut+"\n" {
					t.Errorf("code %d, said %q", code, w.errOut.String())
				}
				return
			}
			var runs v1alpha1.AnalysisRunList
			if err := w.List(context.Background(), &runs); err != nil || len(runs.Items) != 1 {
				t.Fatalf("%v, %d runs, said %q", err, len(runs.Items), w.errOut.String())
			}
			run := runs.Items[0]
			exact := !strings.HasSuffix(tc.run, "-")
			if !strings.HasPrefix(run.Name, tc.run) || exact && run.Name != tc.run || w.out.String() != "analysisrun.argoproj.io/"+run.Name+" created\n" {
				t.Errorf("run %s, said %q", run.Name, w.out.String())
			}
			if len(run.Spec.Args) != 2 || *run.Spec.Args[1].Value != "0.9" || run.Labels[v1alpha1.InstanceIDLabel] != "mine" {
				t.Errorf("args %v, labels %v", run.Spec.Args, run.Labels)
			}
		})
	}
}

func TestLintSpeaksOnBothStreams(t *testing.T) {
	w := newWorld()
	code := w.run("lint", "-f", "../../testdata/cli/lint/wrong-values.yaml")
	if code != 1 || strings.Count(w.out.String(), "\n") != 5 ||
		w.errOut.String() != "Error: spec.strategy.steps[0].setWeight: Invalid value: 101: SetWeight needs to be between 0 and 100\n" {
		t.Errorf("code %d, said\n%s and %q", code, w.out.String(), w.errOut.String())
	}
	w = newWorld()
	if code := w.run("lint", "-f", "../../testdata/cli/lint/document-header.yaml"); code != 0 || w.out.Len() > 0 ||
		strings.Count(w.errOut.String(), "warning: ") != 2 {
		t.Errorf("code %d, said %q and %q", code, w.out.String(), w.errOut.String())
	}
}
