package simulation

import (
	"maps"
	"strings"
	"testing"
	"time"

	"sigs.k8s.io/yaml"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// Stories of the manifests that a well-known tutorial shows (testdata/rollouts/user-document), as it shows them.

const image = "123456789.dkr.ecr.us-east-1.amazonaws.com/payments-api:"

// all are the stories of all files.
func all() map[string]story {
	every := maps.Clone(stories)
	maps.Copy(every, documentStories)
	maps.Copy(every, foundStories)
	return every
}

// tutorial are the objects of some of the tutorial's files, and what it presumes.
func tutorial(t *testing.T, change func(r *v1alpha1.Rollout), rollout string, files ...string) []string {
	t.Helper()
	var objects []string
	for _, file := range append([]string{"supporting.yaml"}, files...) {
		objects = append(objects, documents(t, file)...)
	}
	r, err := decode[v1alpha1.Rollout]([]byte(documents(t, rollout)[0]))
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(r)
	}
	text, err := yaml.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	return append(objects, string(text))
}

// fragment reads one of the tutorial's fragments.
func fragment[T any](t *testing.T, file string) T {
	t.Helper()
	var v T
	if err := yaml.UnmarshalStrict([]byte(documents(t, file)[0]), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

type stepsFragment struct {
	Steps []v1alpha1.CanaryStep `json:"steps"`
}

type strategyFragment struct {
	Strategy v1alpha1.RolloutStrategy `json:"strategy"`
}

const (
	canaryFile    = "user-document/01-payments-api.yaml"
	servicesFile  = "user-document/02-services.yaml"
	templateFile  = "user-document/03-success-rate.yaml"
	blueGreenFile = "user-document/06-blue-green.yaml"
)

// rate are worlds in which a kind of analysis measures these success rates, and every other one 0.999.
func rate(kind string, rates ...float64) func(*World) {
	return func(w *World) {
		w.measure = func(run *v1alpha1.AnalysisRun) []any {
			if run.Labels[v1alpha1.RolloutTypeLabel] != kind {
				return []any{[]float64{0.999}}
			}
			var results []any
			for _, r := range rates {
				results = append(results, []float64{r})
			}
			return results
		}
	}
}

// giveArguments is what the tutorial itself does two sections further on: as first shown, the analysis step names no
// argument, and the template needs one.
func giveArguments(t *testing.T, w *World) {
	steps := fragment[stepsFragment](t, "user-document/04-analysis-step.yaml").Steps
	w.Edit("give the analysis step its argument, as the tutorial does further on", func(r *v1alpha1.Rollout) {
		r.Spec.Strategy.Canary.Steps[7].Analysis = steps[1].Analysis
	})
}

// withoutAnalysisStep takes the step away whose argument is missing.
func withoutAnalysisStep(r *v1alpha1.Rollout) {
	s := &r.Spec.Strategy.Canary.Steps
	*s = append((*s)[:7:7], (*s)[8:]...)
}

var documentStories = map[string]story{
	"document-istio": {
		about: "The tutorial's payments-api behind Istio: refused without the analysis argument, then 1.4.3 goes all the way.",
		objects: func(t *testing.T) []string {
			return tutorial(t, nil, canaryFile, servicesFile, templateFile)
		},
		world: rate(v1alpha1.RolloutTypeStep, 0.98, 0.995),
		tell: func(t *testing.T, w *World) {
			giveArguments(t, w)
			w.Wait(minute)
			w.SetImage(image + "1.4.3")
			w.Wait(minute)
			w.Promote()
			w.Wait(time.Hour)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, `InvalidSpec: The Rollout "payments-api" is invalid: spec.strategy.canary.steps[7].analysis.templates: Invalid value: "templateNames: [success-rate]": args.service-name was not resolved`,
				"give the analysis step its argument", "status Healthy", "user set image",
				"route canary b 5", "RolloutPaused", "user promote", "route canary b 20", "route canary b 40", "route canary b 60",
				"AnalysisTemplateUnbounded", "is Successful", "route canary b 80", "route canary b 100", "RolloutCompleted")
			if n := strings.Count(strings.Join(f.texts("event"), "\n"), "AnalysisTemplateUnbounded"); n != 1 {
				t.Errorf("the warning was told %d times, want once per revision", n)
			}
		},
	},
	"document-istio-bad": {
		about: "The tutorial's payments-api: 1.4.4 answers with errors; the fourth bad measurement takes it back.",
		objects: func(t *testing.T) []string {
			return tutorial(t, nil, canaryFile, servicesFile, templateFile)
		},
		world: rate(v1alpha1.RolloutTypeStep, 0.8),
		tell: func(t *testing.T, w *World) {
			giveArguments(t, w)
			w.Wait(minute)
			w.SetImage(image + "1.4.4")
			w.Wait(minute)
			w.Promote()
			w.Wait(time.Hour)
			w.SetImage(image + "1.4.2")
			w.Wait(minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "route canary b 60", "begin AnalysisRun", "is Failed: Metric \"success-rate\" assessed Failed due to failed (4) > failureLimit (3)",
				"route canary b 0, stable a 100", "scale b 3→0", "set image", "status Healthy", "SkipSteps")
			f.never(t, "route canary b 80")
		},
	},
	"document-background-analysis": {
		about: "The tutorial's background analysis: it starts after the first step, never ends by itself, and goes with the update.",
		objects: func(t *testing.T) []string {
			return tutorial(t, func(r *v1alpha1.Rollout) {
				withoutAnalysisStep(r)
				r.Spec.Strategy.Canary.Analysis = fragment[strategyFragment](t, "user-document/05-background-analysis.yaml").Strategy.Canary.Analysis
			}, canaryFile, servicesFile, templateFile)
		},
		world: rate(v1alpha1.RolloutTypeBackground, 0.999),
		tell: func(t *testing.T, w *World) {
			w.SetImage(image + "1.4.3")
			w.Wait(minute)
			w.Promote()
			w.Wait(time.Hour)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "step 1/9 completed", "begin AnalysisRun payments-api-b-2: Background", "RolloutCompleted", "end AnalysisRun payments-api-b-2", "is Successful")
			f.never(t, "AnalysisTemplateUnbounded")
		},
	},
	"document-header-istio": {
		about: "The tutorial's header route in the mesh: testers reach the canary before any weight does.",
		objects: func(t *testing.T) []string {
			return tutorial(t, func(r *v1alpha1.Rollout) {
				r.Spec.Strategy.Canary.Steps = fragment[stepsFragment](t, "user-document/08-header-route.yaml").Steps
			}, canaryFile, servicesFile)
		},
		tell:  tellHeaders,
		facts: factsOfHeaders,
	},
	"document-header-nginx": {
		about: "The tutorial's header route with an NGINX ingress: testers reach the canary before any weight does.",
		objects: func(t *testing.T) []string {
			return tutorial(t, func(r *v1alpha1.Rollout) {
				r.Spec.Strategy.Canary.Steps = fragment[stepsFragment](t, "user-document/08-header-route.yaml").Steps
				r.Spec.Strategy.Canary.TrafficRouting = &v1alpha1.RolloutTrafficRouting{Nginx: &v1alpha1.NginxTrafficRouting{StableIngress: "payments-api"}}
			}, canaryFile, servicesFile)
		},
		tell:  tellHeaders,
		facts: factsOfHeaders,
	},
	"document-blue-green": {
		about: "The tutorial's blue-green: looked at, promoted, found bad after the switch, and taken back.",
		objects: func(t *testing.T) []string {
			return tutorial(t, nil, blueGreenFile, servicesFile, templateFile)
		},
		world: rate(v1alpha1.RolloutTypePostPromotion, 0.995, 0.9),
		tell: func(t *testing.T, w *World) {
			w.SetImage(image + "1.4.3")
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(10 * minute)
			w.measure = func(*v1alpha1.AnalysisRun) []any { return []any{[]float64{0.8}} }
			w.SetImage(image + "1.4.4")
			w.Wait(10 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "begin AnalysisRun payments-api-b-2-pre", "RolloutPaused", "user promote", "point payments-api-active a→b", "begin AnalysisRun payments-api-b-2-post", "is Successful",
				"Completed blue-green update", "scale a 3→0", "set image", "begin AnalysisRun payments-api-c-3-pre", "is Failed", "RolloutAborted", "scale c 3→0")
			f.after(t, "payments-api:1.4.4").never(t, "point payments-api-active")
			var promoted, gone time.Duration
			for _, e := range f {
				if strings.Contains(e.Text, "a: the revision no longer serves") {
					promoted = e.At
				}
				if strings.HasPrefix(e.Text, "a 3→0") {
					gone = e.At
				}
			}
			if wait := gone - promoted; wait < 300*time.Second || wait > 302*time.Second {
				t.Errorf("the old pods lived for %s, scaleDownDelaySeconds is 300", wait)
			}
		},
	},
	"document-blue-green-bad": {
		about: "The tutorial's blue-green: the analysis after the switch fails and the switch is taken back.",
		objects: func(t *testing.T) []string {
			return tutorial(t, nil, blueGreenFile, servicesFile, templateFile)
		},
		world: rate(v1alpha1.RolloutTypePostPromotion, 0.9),
		tell: func(t *testing.T, w *World) {
			w.SetImage(image + "1.4.4")
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(10 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "point payments-api-active a→b", "begin AnalysisRun payments-api-b-2-post", "failed (4) > failureLimit (3)", "RolloutAborted", "point payments-api-active b→a", "scale b 3→0")
		},
	},
	"document-web-analysis": {
		about: "The tutorial's web metric as a step: ten answers, thirty seconds apart.",
		objects: func(t *testing.T) []string {
			return tutorial(t, func(r *v1alpha1.Rollout) {
				r.Spec.Strategy.Canary.Steps[7].Analysis = &v1alpha1.RolloutAnalysis{Templates: []v1alpha1.TemplateRef{{TemplateName: "canary-health-check"}}}
			}, canaryFile, servicesFile, "user-document/09-canary-health-check.yaml")
		},
		world: func(w *World) { w.measure = func(*v1alpha1.AnalysisRun) []any { return []any{"Healthy"} } },
		tell: func(t *testing.T, w *World) {
			w.SetImage(image + "1.4.3")
			w.Wait(minute)
			w.Promote()
			w.Wait(time.Hour)
		},
		facts: func(t *testing.T, f facts) {
			var begun, done time.Duration
			for _, e := range f {
				switch {
				case e.Kind == "begin":
					begun = e.At
				case e.Kind == "analysis" && strings.HasSuffix(e.Text, "is Successful"):
					done = e.At
				}
			}
			if took := done - begun; took != 270*time.Second {
				t.Errorf("ten measurements thirty seconds apart took %s", took)
			}
		},
	},
	"document-autoscaled": {
		about: "The tutorial's autoscaler (3 to 20 pods) changes its mind while the canary waits at weight 20.",
		objects: func(t *testing.T) []string {
			return tutorial(t, withoutAnalysisStep, canaryFile, servicesFile)
		},
		tell: func(t *testing.T, w *World) {
			w.SetImage(image + "1.4.3")
			w.Wait(minute)
			w.Promote()
			w.Wait(minute)
			w.ScaleTo(20)
			w.Wait(minute)
			w.ScaleTo(3)
			w.Wait(time.Hour)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "route canary b 20", "user scale to 20", "scale a 5→20", "scale b 1→4", "user scale to 3", "scale a 20→3", "scale b 4→1", "RolloutCompleted")
		},
	},
}

func tellHeaders(t *testing.T, w *World) {
	w.SetImage(image + "1.4.3")
	w.Wait(minute)
	w.Promote()
	w.Wait(time.Hour)
}

func factsOfHeaders(t *testing.T, f facts) {
	// The route needs a pod, and gets one although no weight asks for any; it goes before its pods are not needed any more.
	f.inOrder(t, "create b", "scale b 0→1", "b 1 of 1 available", "route canary b 0, stable a 100, routes canary-header", "step 1/5 completed (setHeaderRoute: canary-header)",
		"RolloutPaused", "user promote", "route canary b 10, stable a 90, routes canary-header", "route canary b 100", "RolloutCompleted", "route canary b 0, stable b 100")
	for _, text := range f.after(t, "RolloutCompleted · Rollout completed update to revision 2").texts("route") {
		if strings.Contains(text, "canary-header") {
			t.Errorf("the header route outlived the update: %s", text)
		}
	}
}
