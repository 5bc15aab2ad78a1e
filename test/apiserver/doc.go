// Package apiserver holds the tests of what only a real API server can show: schemas and their refusals, subresources,
// conflicts, caches and watches, the rights of the installed ServiceAccount, and objects that do not decode. They run
// the controller in the same process, as that ServiceAccount:
//
//	make apiserver
//	KUBECONFIG=… go test -tags apiserver ./test/apiserver/...   # installs into that cluster
//
// Pods have to become ready, on whatever nodes there are.
package apiserver
