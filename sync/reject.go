package sync

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// A Rejection remembers a revision that was taken back, so that no machine starts it again, also after somebody
// changed the Rollout in the cluster (undo) and the rollback is not visible there any more.
type Rejection struct {
	Key Key `json:"key"`
	// Commit is the one that wanted it, Hash its pod template hash.
	Commit string `json:"commit"`
	Hash   string `json:"hash"`
	// Spec is the fingerprint of the Rollout's spec as rendered. While Git renders the same, it has not moved.
	Spec string `json:"spec"`
	// Message says what happened.
	Message string `json:"message"`
}

// Rejections is what has to be remembered after a look: new rollbacks are added; one is forgotten when Git wants
// something else, when the object is gone from Git, or when the revision serves after all (a person retried).
func Rejections(before []Rejection, objects []Compared) []Rejection {
	var after []Rejection
	for _, c := range objects {
		if c.Desired == nil || !c.Key().isRollout() {
			continue
		}
		spec := fingerprint(c.Desired)
		if c.Reason == RolledBack {
			after = append(after, Rejection{Key: c.Key(), Commit: c.Commit, Hash: c.Rollback.Wanted.Hash, Spec: spec, Message: c.Message()})
			continue
		}
		for _, r := range before {
			if r.Key == c.Key() && r.Spec == spec && !serves(c, r.Hash) {
				after = append(after, r)
			}
		}
	}
	return after
}

func serves(c Compared, hash string) bool {
	return c.Live != nil && text(c.Live, "status", "stableRS") == hash
}

func fingerprint(obj *unstructured.Unstructured) string {
	data, err := json.Marshal(obj.Object["spec"])
	if err != nil {
		panic(err) // it came from JSON
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}

// held are the drifted Rollouts that a sync would start on a rejected revision, each with the reason for the person
// who wonders.
func (s State) held(drifted []Compared) map[Key]string {
	held := map[Key]string{}
	for _, c := range drifted {
		if c.Desired == nil || c.Live != nil && !changesSpec(c.Fields) {
			continue
		}
		for _, r := range s.Rejected {
			if r.Key == c.Key() && r.Spec == fingerprint(c.Desired) {
				held[r.Key] = fmt.Sprintf("%s would start again what was rejected (%s): Git has to move, or a person has to sync", r.Key, r.Message)
			}
		}
	}
	return held
}

func changesSpec(fields []string) bool {
	for _, f := range fields {
		if f == "spec" || strings.HasPrefix(f, "spec.") {
			return true
		}
	}
	return false
}
