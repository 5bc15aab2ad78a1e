package simulation

import (
	"errors"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

const (
	minute = time.Minute
	second = time.Second
)

// analysed are worlds in which runs of a kind get a script of results; others get 0, which every template takes for good.
func analysed(kind string, results ...any) func(*World) {
	return func(w *World) {
		w.measure = func(run *v1alpha1.AnalysisRun) []any {
			if run.Labels[v1alpha1.RolloutTypeLabel] == kind {
				return results
			}
			return []any{0.0}
		}
	}
}

// broken are worlds in which pods of an image never become ready.
func broken(image string) func(*World) {
	return func(w *World) {
		w.startup = func(p *corev1.Pod) time.Duration {
			if p.Spec.Containers[0].Image == image {
				return -1
			}
			return 3 * second
		}
	}
}

const (
	blueGreen = `    blueGreen:
      activeService: active
      previewService: preview
`
	tenFifty = `      steps: [{setWeight: 10}, {pause: {duration: 30s}}, {setWeight: 50}, {pause: {}}]`
)

func bg(replicas int, more string) []string {
	return []string{serviceYAML("active"), serviceYAML("preview"), templateYAML("errors", "count: 2, "), rolloutYAML(replicas, blueGreen+more)}
}

var stories = map[string]story{
	"canary-basic": {
		about: "A canary without traffic routing: 4 pods, setWeight 25, pause {} (spec 19.1).",
		objects: these(rolloutYAML(4, `    canary:
      steps: [{setWeight: 25}, {pause: {}}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(10 * minute)
		},
		facts: factsOfBasicCanary,
	},
	"canary-routed": {
		about:   "A canary behind an NGINX ingress: 10 pods, weight 10, 30 s, weight 50, pause {} (spec 19.2).",
		objects: these(behindNginx(10, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(10 * minute)
		},
		facts: factsOfRoutedCanary,
	},
	"canary-routed-abort-and-retry": {
		about:   "A routed canary is aborted at weight 50 and retried before its pods are gone (spec 19.3).",
		objects: these(behindNginx(10, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Abort()
			w.Wait(10 * second)
			w.Retry()
			w.Wait(2 * minute)
		},
		facts: factsOfRetry,
	},
	"canary-routed-abort": {
		about:   "A routed canary is aborted at weight 50 and left alone: its pods go after 30 s (spec 19.3).",
		objects: these(behindNginx(10, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Abort()
			w.Wait(5 * minute)
		},
		facts: factsOfAbort,
	},
	"canary-dynamic-stable-abort": {
		about: "With dynamicStableScale an aborted canary walks down as stable comes back (spec 19.3).",
		objects: these(behindNginx(10, `      dynamicStableScale: true
      steps: [{setWeight: 10}, {setWeight: 50}, {pause: {}}]`)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.startup = func(*corev1.Pod) time.Duration { return time.Duration(3+len(w.readyAt)) * second }
			w.Abort()
			w.Wait(5 * minute)
		},
		facts: factsOfDynamicAbort,
	},
	"canary-basic-abort": {
		about: "A canary without traffic routing is aborted: its pods are replaced at once, within the bounds.",
		objects: these(rolloutYAML(5, `    canary:
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 60}, {pause: {}}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Abort()
			w.Wait(5 * minute)
			w.SetImage("shop:1")
			w.Wait(5 * minute)
		},
	},
	"canary-rollback-to-stable": {
		about:   "In mid-update the old image comes back: no step is taken, the canary goes.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(10 * second)
			w.SetImage("shop:1")
			w.Wait(5 * minute)
		},
	},
	"canary-third-revision": {
		about:   "A third image arrives while the second carries half of the traffic.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.SetImage("shop:3")
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(5 * minute)
		},
	},
	"canary-background-analysis-fails": {
		about: "Background analysis from step 1 on; its third measurement fails and the update is taken back.",
		objects: these(append(behindNginx(5, `      analysis: {templates: [{templateName: errors}], startingStep: 1}
      steps: [{setWeight: 20}, {pause: {duration: 1m}}, {setWeight: 60}]`), templateYAML("errors", ""))...),
		world: analysed(v1alpha1.RolloutTypeBackground, 0.0, 0.01, 0.2),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "RolloutStepCompleted · Rollout step 1/3", "begin AnalysisRun shop-b-2", "AnalysisRunFailed", "RolloutAborted")
			f.inOrder(t, "begin AnalysisRun", "is Failed", "route canary b 0, stable a 100", "scale b 1→0")
		},
	},
	"canary-step-analysis": {
		about:   "An analysis step succeeds, the next one errs, and a person retries.",
		objects: these(append(behindNginx(5, `      steps: [{setWeight: 20}, {analysis: {templates: [{templateName: errors}]}}, {setWeight: 60}, {analysis: {templates: [{templateName: errors}]}}]`), templateYAML("errors", "count: 2, "))...),
		world: func(w *World) {
			w.measure = func(run *v1alpha1.AnalysisRun) []any {
				if run.Name[len(run.Name)-1] == '3' {
					return []any{errors.New("connection refused")}
				}
				return []any{0.0}
			}
		},
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
			w.Retry()
			w.Wait(5 * minute)
		},
	},
	"canary-inconclusive-analysis": {
		about: "An analysis cannot decide: the rollout waits, a person resumes, it is measured again.",
		objects: these(append(behindNginx(5, `      steps: [{setWeight: 20}, {analysis: {templates: [{templateName: undecided}]}}]`), `apiVersion: argoproj.io/v1alpha1
kind: AnalysisTemplate
metadata: {name: undecided}
spec:
  metrics:
  - {name: errors, successCondition: "result < 0.05", failureCondition: "result > 0.5", provider: {web: {url: "http://metrics/errors"}}}`)...),
		world: func(w *World) {
			w.measure = func(run *v1alpha1.AnalysisRun) []any {
				if run.Name[len(run.Name)-2:] == ".1" {
					return []any{0.0}
				}
				return []any{0.1}
			}
		},
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Resume()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "AnalysisRunInconclusive", "RolloutPaused · Rollout is paused (InconclusiveAnalysisRun)", "user resume", "begin AnalysisRun shop-b-2-1.1", "RolloutCompleted")
		},
	},
	"canary-promote-full": {
		about:   "A routed canary is promoted in full: it grows first, traffic follows when it can carry all.",
		objects: these(behindNginx(10, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(10 * second)
			w.PromoteFull()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			after := f.after(t, "promote --full")
			after.inOrder(t, "scale b 1→10", "b 10 of 10 available", "RolloutCompleted · Rollout completed update to revision 2 (b): Full promotion requested", "point stable a→b")
			after.never(t, "RolloutStepCompleted")
		},
	},
	"canary-scaled-in-mid-update": {
		about: "An autoscaler scales a basic canary out and in while it waits at weight 60.",
		objects: these(rolloutYAML(5, `    canary:
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 60}, {pause: {}}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.ScaleTo(10)
			w.Wait(2 * minute)
			w.ScaleTo(5)
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			// As recorded in canary-basic-steps: 2/3 becomes 4/6 in two scalings and nothing else.
			f.after(t, "scale to 10").inOrder(t, "scale a 2→4", "scale b 3→6")
		},
	},
	"canary-routed-scaled-in-mid-update": {
		about:   "An autoscaler scales a routed canary while it waits at weight 50; stable keeps the full size.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.ScaleTo(8)
			w.Wait(minute)
			w.ScaleTo(2)
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "user scale to 8", "scale a 4→8", "scale b 2→4", "user scale to 2", "scale a 8→2", "scale b 4→1", "RolloutCompleted")
		},
	},
	"canary-no-steps": {
		about:   "A canary without steps replaces its pods within surge and unavailable, as a Deployment does.",
		objects: these(rolloutYAML(4, `    canary: {maxSurge: 1, maxUnavailable: 1}`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
		},
	},
	"canary-stuck-then-fixed": {
		about: "An image whose pods never become ready; the fix is rolled out over its remains.",
		objects: these(rolloutYAML(4, `    canary:
      steps: [{setWeight: 25}, {pause: {duration: 10s}}]`)),
		world: broken("shop:2"),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
			w.SetImage("shop:3")
			w.Wait(5 * minute)
		},
	},
	"canary-progress-deadline": {
		about: "An update makes no progress for ten minutes: it is aborted, because the spec asks for that.",
		objects: these(behindNginx(4, `      steps: [{setWeight: 25}, {pause: {}}]
  progressDeadlineAbort: true`)...),
		world: broken("shop:2"),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(15 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, `RolloutAborted · ReplicaSet "shop-b" has timed out progressing.`, `RolloutAborted · Rollout aborted update to revision 2: ReplicaSet "shop-b" has timed out progressing.`)
		},
	},
	"canary-paused-by-hand": {
		about: "A person pauses a basic canary in the middle of its scaling, and resumes.",
		objects: these(rolloutYAML(4, `    canary:
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 50}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(4 * second)
			w.Pause()
			w.Wait(2 * minute)
			w.Resume()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			for _, e := range f.after(t, "pause") {
				if e.Kind == "user" {
					break
				}
				if e.Kind == "scale" {
					t.Errorf("scaled while paused by hand: %s", e.Text)
				}
			}
		},
	},
	"canary-set-canary-scale": {
		about: "setCanaryScale sizes the canary apart from its weight, and gives the size back to the weight.",
		objects: these(behindNginx(10, `      steps:
      - setCanaryScale: {replicas: 2}
      - pause: {duration: 10s}
      - setWeight: 10
      - setCanaryScale: {matchTrafficWeight: true}
      - setWeight: 40
      - pause: {}`)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Promote()
			w.Wait(5 * minute)
		},
	},
	"canary-pods-flap": {
		about:   "All canary pods lose their readiness at weight 50: traffic leaves, comes back when they do.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			for _, p := range list[*corev1.Pod](w.truth, "Pod") {
				if p.Spec.Containers[0].Image == "shop:2" {
					w.flap(p, 20*second)
				}
			}
			w.say("cluster", "all pods of b lose their readiness for 20 s")
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.after(t, "lose their readiness").inOrder(t, "route canary b 0, stable a 100", "route canary b 50, stable a 50", "RolloutCompleted")
		},
	},
	"canary-steps-edited": {
		about:   "The steps are edited while the rollout waits: they start anew, with the same revision.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.Edit("edit steps: setWeight 25, pause {}", func(r *v1alpha1.Rollout) {
				quarter := int32(25)
				r.Spec.Strategy.Canary.Steps = []v1alpha1.CanaryStep{{SetWeight: &quarter}, {Pause: &v1alpha1.RolloutPause{}}}
			})
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
	},
	"bluegreen-auto": {
		about:   "Blue-green without a pause: preview, switch, and the old pods go after 30 s.",
		objects: these(bg(3, "")...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
		},
	},
	"bluegreen-manual-with-analysis": {
		about: "Blue-green with analysis before the switch and a person who promotes (spec 19.4).",
		objects: these(bg(3, `      autoPromotionEnabled: false
      prePromotionAnalysis: {templates: [{templateName: errors}]}`)...),
		world: analysed("", nil),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: factsOfBlueGreen,
	},
	"bluegreen-pre-promotion-fails": {
		about:   "The analysis before the switch fails: nothing was switched, the preview goes after 30 s.",
		objects: these(bg(3, `      prePromotionAnalysis: {templates: [{templateName: errors}]}`)...),
		world:   analysed(v1alpha1.RolloutTypePrePromotion, 0.4),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.after(t, "set image").never(t, "point active")
			f.inOrder(t, "RolloutAborted", "amend b", "scale b 3→0")
		},
	},
	"bluegreen-post-promotion-fails": {
		about:   "The analysis after the switch fails: the switch is taken back.",
		objects: these(bg(3, `      postPromotionAnalysis: {templates: [{templateName: errors}]}`)...),
		world:   analysed(v1alpha1.RolloutTypePostPromotion, 0.0, 0.4),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "point active a→b", "begin AnalysisRun shop-b-2-post", "AnalysisRunFailed", "point active b→a", "scale b 3→0")
			f.after(t, "set image").never(t, "RolloutCompleted · Rollout completed update to revision 2")
		},
	},
	"bluegreen-rollback-inside-delay": {
		about:   "The old image comes back while its pods still live: the switch back is immediate.",
		objects: these(bg(3, "      autoPromotionEnabled: false\n      scaleDownDelaySeconds: 60")...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(20 * second)
			w.SetImage("shop:1")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.after(t, "set image shop:1").never(t, "RolloutPaused")
			f.after(t, "set image shop:1").inOrder(t, "point active b→a", "RolloutCompleted", "scale b 3→0")
		},
	},
	"bluegreen-preview-replica-count": {
		about:   "The preview has one pod until it is promoted; then it grows before it serves.",
		objects: these(bg(3, "      autoPromotionEnabled: false\n      previewReplicaCount: 1")...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "scale b 0→1", "RolloutPaused", "user promote", "scale b 1→3", "b 3 of 3 available", "point active a→b")
		},
	},
	"bluegreen-abort-and-retry": {
		about:   "A person aborts while blue-green waits, and retries.",
		objects: these(bg(3, "      autoPromotionEnabled: false")...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Abort()
			w.Wait(2 * minute)
			w.Retry()
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
	},
}
