// Package story tells what happens from a merge in Git to a promoted revision, and from a bad merge to a rollback that
// says so, on a cluster with a real proxy and a real Prometheus. Each point of the story is a function that does something
// as a user would (git, kubectl, the plugin) and then observes it by asking the cluster, the proxy or Prometheus. A point
// that is not observed within its limit is an error.
//
// It leaves the cluster to whoever runs it (test/cluster/enter.sh, or any kubeconfig), the live view to the command in
// test/demo, and single cases to test/e2e.
package story
