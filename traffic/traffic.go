// Package traffic says which share of the requests each revision should get (Split) and what a thing is that can
// carry such a share (Router). The routers are in the folders below; how objects are read and written is the shell's.
package traffic

import (
	"context"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"github.com/sluice-delivery/sluice/api/v1alpha1"
)

// A Ref names one object that a router edits or reads.
type Ref struct {
	Group, Version, Kind string
	Namespace, Name      string
}

// Objects are the observed steering objects. A Ref whose object does not exist is absent.
type Objects map[Ref]*unstructured.Unstructured

// A Destination is one revision behind one Service, or one subset.
type Destination struct {
	Service    string // name of the Service; empty when only subsets are used
	Hash       string // pod-template hash; empty before there is such a revision
	ReplicaSet string // name, for messages
	Available  bool   // the ReplicaSet is fully available (spec 7.2: both sizes above 0 and equal)
	Waits      bool   // the ReplicaSet has pods wanted (spec.replicas > 0) but is not fully available; hashes wait for it
	Weight     int32  // only for additional destinations: share of the whole, in parts of Split.Max
}

// A Split is the whole desired state of traffic: shares, hashes and extra routes, in one value.
type Split struct {
	// Weight is the canary's share in parts of Max. Stable gets what canary and Additional leave.
	Weight, Max    int32
	Canary, Stable Destination
	Additional     []Destination
	// Routes are the header and mirror routes that should exist, in order of precedence.
	Routes []ManagedRoute
	// Managed are all route names that belong to the Rollout (managedRoutes, and names that steps use), in order of
	// precedence. A route of such a name that is not in Routes is removed.
	Managed []string
	// Cleared is true when every managed route has to go (promoted, aborted, no pods, promoted in full; spec 7.1 #2-#5).
	Cleared bool
	// RoutesOnly asks for the managed routes alone: weights and hashes stay as they are. Spec 7.1 clears routes before
	// it finds that there is no sufficiently available stable revision, and then stops.
	RoutesOnly bool
	// WeightFirst asks that weights and routes are written before hashes move: traffic leaves a revision without pods
	// before a subset is pointed at the next one.
	WeightFirst bool
	// PingPong is true when Canary.Service and Stable.Service are today's ping and pong sides.
	PingPong bool
	// Canary and stable names for routers that do not follow ping-pong (spec 3.11); empty without ping-pong.
	PlainCanary, PlainStable string
}

// Total is the weight that means all traffic: Max, or 100 if that is not set.
func (s Split) Total() int32 {
	if s.Max <= 0 {
		return 100
	}
	return s.Max
}

// StableWeight is what canary and additional destinations leave, never below 0. A destination without Service is none
// (ours; spec 7.1).
func (s Split) StableWeight() int32 {
	rest := s.Total() - s.Weight
	for _, d := range s.Additional {
		if d.Service != "" {
			rest -= d.Weight
		}
	}
	return max(rest, 0)
}

// Names are the Services of canary and stable for a router that follows ping-pong, or does not. One that does not
// still takes the ping-pong sides when there are no plain names (spec 3.11).
func (s Split) Names(followsPingPong bool) (canary, stable string) {
	if !followsPingPong && s.PlainCanary != "" && s.PlainStable != "" {
		return s.PlainCanary, s.PlainStable
	}
	return s.Canary.Service, s.Stable.Service
}

// A ManagedRoute sends matching requests to the canary (Header) or copies them there (Mirror); one of both is set.
type ManagedRoute struct {
	Name   string
	Header *v1alpha1.SetHeaderRoute
	Mirror *v1alpha1.SetMirrorRoute
}

// An Event is what a router did, or could not do, in words (spec section 7).
type Event struct {
	Reason, Message string
	Warning         bool
}

// A Router knows one mesh or ingress. It is made for one Rollout by a constructor of the form
//
//	New(r *v1alpha1.Rollout, o traffic.Options) (traffic.Router, error)
type Router interface {
	// Refs names the objects that Edit needs to see, in the order in which changes are to be written:
	// what carries hashes before what carries weights.
	Refs() []Ref
	// Edit makes objs carry want: it changes the objects in place, adds those it creates under their Ref, touches
	// nothing that it does not own, and editing twice is the same as editing once. The events tell what changed.
	// An error leaves objs undefined; the only events beside one are warnings, which are told all the same.
	// A *Delay is an error without a Warning event. One event tells of more than a change: Istio says that it removed
	// all managed routes whenever Cleared asks for it, there or not (spec 7.2).
	Edit(objs Objects, want Split) ([]Event, error)
}

// A Delay says that Edit has to wait for pods before hashes may move: nothing is written, nothing is told, the pass
// ends and is tried again.
type Delay struct{ Reason string }

func (d *Delay) Error() string { return d.Reason }

// WriteOrder is the order in which changes to the objects behind refs are to be written: as Refs gives it, or, when
// weights go first, the other way round.
func WriteOrder(refs []Ref, want Split) []Ref {
	order := slices.Clone(refs)
	if want.WeightFirst {
		slices.Reverse(order)
	}
	return order
}

// A Releaser is a Router that gives back what it took: called when the Rollout is gone or no longer names the objects.
type Releaser interface {
	Release(objs Objects) error
}

// A Checker is a Router that can say what is wrong with one of its objects before anything is routed. The text of
// the error is that of spec 12.3.
type Checker interface {
	Check(ref Ref, o *unstructured.Unstructured) error
}

// A Meter is a Router that can read the canary's weight back from its objects. It is false when they carry none, or
// not the same one everywhere.
type Meter interface {
	Weight(objs Objects) (int32, bool)
}

// A Verifier is a Router whose data plane lags behind its objects.
type Verifier interface {
	Router
	// Verify reports whether the data plane carries want by now.
	Verify(ctx context.Context, want Split) (bool, error)
}

// Options are the controller flags that routers need (spec 11.1).
type Options struct {
	IstioAPIVersion string // default v1alpha3
	// RolloutUID and the API version of the owner reference come from the Rollout itself.
}
