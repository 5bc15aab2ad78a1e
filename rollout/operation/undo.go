package operation

import (
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
	"github.com/sluice-delivery/sluice/rollout/revision"
)

// Undo makes the pod template of an earlier revision the wanted one again (spec 9.12). Revision 0 is the one before
// the latest. The sets are those that the selector finds; what belongs to somebody else among them is passed over.
// A Change without patches says in its output why there is nothing to do.
func Undo(r *v1alpha1.Rollout, w Workload, sets []*appsv1.ReplicaSet, number int64) (Change, error) {
	rs, err := earlier(r, sets, number)
	if err != nil {
		return Change{}, err
	}
	if current(r, w, rs) {
		text := fmt.Sprintf("skipped rollback (current template already matches revision %d)", revision.Number(rs))
		return Change{Output: text}, nil
	}
	patches, err := w.patch(edit{"replace", w.path(), revision.Template(rs)})
	return Change{patches, fmt.Sprintf("rollout '%s' undo", r.Name)}, err
}

// UndoError words the API server's refusal of an undo as spec 9.12 does.
func UndoError(number int64, err error) error {
	return fmt.Errorf("failed restoring revision %d: %w", number, err)
}

func earlier(r *v1alpha1.Rollout, sets []*appsv1.ReplicaSet, number int64) (*appsv1.ReplicaSet, error) {
	var owned []*appsv1.ReplicaSet
	for _, rs := range sets {
		if metav1.IsControlledBy(rs, r) && revision.Number(rs) > 0 {
			owned = append(owned, rs)
		}
	}
	if number != 0 {
		i := slices.IndexFunc(owned, func(rs *appsv1.ReplicaSet) bool { return revision.Number(rs) == number })
		if i < 0 {
			return nil, fmt.Errorf("unable to find specified revision %d in history", number)
		}
		return owned[i], nil
	}
	if len(owned) < 2 {
		return nil, fmt.Errorf("no revision found for rollout %q", r.Name)
	}
	return revision.ByNumber(owned)[1], nil
}

// current reports whether the rollout wants what the ReplicaSet holds. Templates in ReplicaSets carry the API server's
// defaults and those in Rollouts do not, so beside equality the hash counts.
func current(r *v1alpha1.Rollout, w Workload, rs *appsv1.ReplicaSet) bool {
	wanted, held := w.Template.DeepCopy(), revision.Template(rs)
	delete(wanted.Labels, v1alpha1.DefaultRolloutUniqueLabelKey)
	return equality.Semantic.DeepEqual(*wanted, held) ||
		revision.Find([]*appsv1.ReplicaSet{rs}, &w.Template, r.Status.CollisionCount, nil) != nil
}
