package view

import (
	"slices"
	"strconv"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/duration"
)

// node is a row of the tree with the rows below it.
type node struct {
	kind     kind
	name     string
	running  bool // the name stands out
	icon     Icon
	status   string
	age      string
	info     []tag
	children []node
}

// tag is a piece of the INFO column.
type tag struct {
	text string
	code int
}

// age of an object, as kubectl writes it.
func age(since, now time.Time) string {
	if since.IsZero() {
		return ""
	}
	return duration.HumanDuration(now.Sub(since))
}

func ageOf(m metav1.ObjectMeta, now time.Time) string { return age(m.CreationTimestamp.Time, now) }

func (i RolloutInfo) tree(now time.Time) node {
	root := node{kind: kindRollout, name: i.ObjectMeta.Name, icon: i.Icon, status: i.Status, age: ageOf(i.ObjectMeta, now)}
	for _, n := range i.revisions() {
		root.children = append(root.children, i.revision(n, now))
	}
	return root
}

// revisions are all that something belongs to, the latest first.
func (i RolloutInfo) revisions() []int64 {
	var all []int64
	for _, rs := range i.ReplicaSets {
		all = append(all, rs.Revision)
	}
	for _, e := range i.Experiments {
		all = append(all, e.Revision)
	}
	for _, run := range i.AnalysisRuns {
		all = append(all, run.Revision)
	}
	slices.Sort(all)
	all = slices.Compact(all)
	slices.Reverse(all)
	return all
}

func (i RolloutInfo) revision(n int64, now time.Time) node {
	row := node{kind: kindRevision, name: "revision:" + strconv.FormatInt(n, 10)}
	for _, rs := range i.ReplicaSets {
		if rs.Revision == n {
			row.children = append(row.children, rs.tree(now))
		}
	}
	for _, e := range i.Experiments {
		if e.Revision == n {
			row.children = append(row.children, e.tree(now))
		}
	}
	for _, run := range i.AnalysisRuns {
		if run.Revision == n {
			row.children = append(row.children, run.tree(now))
		}
	}
	return row
}

func (e ExperimentInfo) tree(now time.Time) node {
	row := node{
		kind: kindExperiment, name: e.ObjectMeta.Name, running: unfinished(e.Icon),
		icon: e.Icon, status: e.Status, age: ageOf(e.ObjectMeta, now),
	}
	for _, rs := range e.ReplicaSets {
		row.children = append(row.children, rs.tree(now))
	}
	for _, run := range e.AnalysisRuns {
		row.children = append(row.children, run.tree(now))
	}
	return row
}

func (rs ReplicaSetInfo) tree(now time.Time) node {
	row := node{
		kind: kindReplicaSet, name: rs.ObjectMeta.Name, icon: rs.Icon, status: rs.Status,
		age: ageOf(rs.ObjectMeta, now), info: append(rs.tags(), rs.delay(now)...),
	}
	for _, p := range rs.Pods {
		row.children = append(row.children, p.tree(now))
	}
	return row
}

// tags say what part a revision has in the rollout.
func (rs ReplicaSetInfo) tags() []tag {
	var tags []tag
	for _, t := range []struct {
		set bool
		tag tag
	}{
		{rs.Stable, tag{"stable", green}},
		{rs.Canary, tag{"canary", yellow}},
		{rs.Active, tag{"active", green}},
		{rs.Preview, tag{"preview", brightBlue}},
		{rs.Ping, tag{"ping", brightBlue}},
		{rs.Pong, tag{"pong", brightBlue}},
	} {
		if t.set {
			tags = append(tags, t.tag)
		}
	}
	return tags
}

func (rs ReplicaSetInfo) delay(now time.Time) []tag {
	if rs.ScaleDownDeadline == "" {
		return nil
	}
	deadline, err := time.Parse(time.RFC3339, rs.ScaleDownDeadline)
	if err != nil || !now.Before(deadline) {
		return []tag{{"delay:passed", plain}} // one that nobody can read counts as passed
	}
	return []tag{{"delay:" + duration.HumanDuration(deadline.Sub(now)), plain}}
}

func (p PodInfo) tree(now time.Time) node {
	row := node{
		kind: kindPod, name: p.ObjectMeta.Name, icon: p.Icon, status: p.Status,
		age: ageOf(p.ObjectMeta, now), info: []tag{{"ready:" + p.Ready, plain}},
	}
	if p.Restarts > 0 {
		row.info = append(row.info, tag{"restarts:" + strconv.Itoa(int(p.Restarts)), plain})
	}
	return row
}

func (r AnalysisRunInfo) tree(now time.Time) node {
	row := node{
		kind: kindAnalysisRun, name: r.ObjectMeta.Name, running: unfinished(r.Icon),
		icon: r.Icon, status: r.Status, age: ageOf(r.ObjectMeta, now),
	}
	for _, c := range []struct {
		icon Icon
		n    int32
	}{{IconOK, r.Successful}, {IconBad, r.Failed}, {IconUnknown, r.Inconclusive}, {IconWarning, r.Error}} {
		if c.n > 0 {
			look := looks[c.icon]
			row.info = append(row.info, tag{look.glyph + " " + strconv.Itoa(int(c.n)), look.code})
		}
	}
	for _, j := range r.Jobs {
		row.children = append(row.children, node{
			kind: kindJob, name: j.Name, running: unfinished(j.Icon), icon: j.Icon, status: j.Status, age: age(j.StartedAt, now),
		})
	}
	return row
}

func unfinished(i Icon) bool { return i == IconWaiting || i == IconProgressing }
