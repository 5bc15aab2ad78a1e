// Package kube holds what controller-runtime leaves open between us and an API server: caches that survive objects
// which do not decode, the fence that keeps a decision from being made on a picture older than our own last write,
// a recorder of events that loses none and keeps their order, and bounds on requests. It decides nothing.
package kube
