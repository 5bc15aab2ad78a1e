package kube

import (
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// IsStale reports that somebody else wrote first: the picture that the change was decided on is no longer true.
// That is an outcome, not an error: look again.
func IsStale(err error) bool {
	return apierrors.IsConflict(err) || apierrors.IsAlreadyExists(err)
}

// Key is the namespace and name of an object.
func Key(o client.Object) types.NamespacedName { return client.ObjectKeyFromObject(o) }
