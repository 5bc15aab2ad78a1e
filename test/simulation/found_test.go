package simulation

import (
	"strings"
	"testing"
	"time"

	"github.com/sluice-delivery/sluice/rollout/plan"
)

// What random worlds found, told as stories: smaller, and readable. Each was a fault of the planner once.

var foundStories = map[string]story{
	"found-rollback-within-bounds": {
		about: "Back to stable in mid-update without routing: pods of both revisions together stay within maxSurge.",
		objects: these(rolloutYAML(4, `    canary:
      maxSurge: 1
      maxUnavailable: 0
      steps: [{setWeight: 50}, {pause: {}}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.SetImage("shop:1")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			// As recorded in canary-rollback-to-stable.
			f.after(t, "user set image shop:1"[5:]).inOrder(t, "scale a 2→3", "scale b 2→1", "scale a 3→4", "scale b 1→0")
		},
	},
	"found-retry-measures-again": {
		about:   "The analysis after a blue-green switch failed; a retry measures anew instead of reading the old verdict.",
		objects: these(bg(1, `      postPromotionAnalysis: {templates: [{templateName: errors}]}`)...),
		world:   analysed("PostPromotion", 0.4),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.measure = nil
			analysed("", 0.0)(w)
			w.Retry()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "begin AnalysisRun shop-b-2-post", "RolloutAborted", "user retry", "begin AnalysisRun shop-b-2-post.1", "RolloutCompleted · Rollout completed update to revision 2")
		},
	},
	"found-new-image-and-new-size": {
		about: "A new image and a new number of replicas in one edit: the new revision begins at its first step, not at the last one's size.",
		objects: these(rolloutYAML(4, `    canary:
      steps: [{setWeight: 25}, {pause: {}}]`)),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(minute)
			w.SetImage("shop:3")
			w.ScaleTo(8)
			w.Wait(minute)
		},
		facts: func(t *testing.T, f facts) {
			for _, text := range f.after(t, "set image shop:3").texts("scale") {
				if strings.HasPrefix(text, "c ") && !strings.HasPrefix(text, "c 0→2") && !strings.HasPrefix(text, "c 0→1") && !strings.HasPrefix(text, "c 1→2") {
					t.Errorf("before anybody looked at it: %s", text)
				}
			}
		},
	},
	"found-weight-lowered": {
		about: "A step lowers the weight: traffic leaves before pods go, also while stable has to grow first.",
		objects: these(behindNginx(10, `      dynamicStableScale: true
      steps: [{setWeight: 80}, {setWeight: 20}, {pause: {}}]`)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "route canary b 80, stable a 20", "route canary b 20, stable a 80", "scale b 8→2")
		},
	},
	"found-crash-before-first-switch": {
		about: "The controller crashes between the first pods of a blue-green and its first status; it is promoted all the same.",
		objects: these(bg(2, `      autoPromotionEnabled: false
      postPromotionAnalysis: {templates: [{templateName: errors}]}`)...),
		world: func(w *World) {
			analysed("", 0.0)(w)
			w.crashAfter = func(p plan.Plan) bool {
				return len(p.Effects) > 0 && p.Status != nil && p.Status.StableRS != "" && w.Now.Equal(Start)
			}
		},
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(minute)
			w.Promote()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.inOrder(t, "the controller crashes", "Initial deploy", "user promote", "Completed blue-green update")
		},
	},
	"found-fast-rollback-with-small-preview": {
		about: "Back inside the rollback window with previewReplicaCount: the small preview grows without an analysis, and is switched to.",
		objects: these(bg(3, `      previewReplicaCount: 1
      scaleDownDelaySeconds: 5
      prePromotionAnalysis: {templates: [{templateName: errors}]}
  rollbackWindow: {revisions: 2}`)...),
		tell: func(t *testing.T, w *World) {
			analysed("", 0.0)(w)
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.SetImage("shop:1")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.after(t, "set image shop:1").inOrder(t, "scale a 0→1", "scale a 1→3", "point active b→a", "RolloutCompleted")
			f.after(t, "set image shop:1").never(t, "begin AnalysisRun")
		},
	},
	"found-scaled-to-zero": {
		about:   "Scaled to nothing in mid-update, with a third image: nothing waits for pods that will never come.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			w.ScaleTo(0)
			w.SetImage("shop:3")
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) { f.after(t, "set image shop:3").inOrder(t, "b 0 of 0 available") },
	},
	"found-abort-while-stable-lacks-pods": {
		about:   "An abort while stable has lost its pods: the canary keeps traffic and pods until stable can carry it.",
		objects: these(behindNginx(4, tenFifty)...),
		tell: func(t *testing.T, w *World) {
			w.SetImage("shop:2")
			w.Wait(2 * minute)
			for _, p := range w.podsOf(w.revision("a")) {
				w.flap(p, time.Minute)
			}
			w.say("cluster", "all pods of a lose their readiness for a minute")
			w.Wait(second)
			w.Abort()
			w.Wait(5 * minute)
		},
		facts: func(t *testing.T, f facts) {
			f.after(t, "lose their readiness").inOrder(t, "user abort", "status Degraded", "a 4 of 4 available", "route canary b 0, stable a 100", "amend b", "scale b 2→0")
		},
	},
}
