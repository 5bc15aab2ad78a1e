package v1alpha1

import "encoding/json"

// RolloutTrafficRouting names the routers that steer traffic. Several may be set: each one is driven.
type RolloutTrafficRouting struct {
	// Istio edits VirtualServices and DestinationRules.
	// +optional
	Istio *IstioTrafficRouting `json:"istio,omitempty"`
	// Nginx makes a canary Ingress beside each stable one.
	// +optional
	Nginx *NginxTrafficRouting `json:"nginx,omitempty"`
	// ALB edits the action annotations of an Ingress of the AWS load balancer controller.
	// +optional
	ALB *ALBTrafficRouting `json:"alb,omitempty"`
	// SMI makes a TrafficSplit.
	// +optional
	SMI *SMITrafficRouting `json:"smi,omitempty"`
	// Ambassador makes a canary Mapping beside each stable one.
	// +optional
	Ambassador *AmbassadorTrafficRouting `json:"ambassador,omitempty"`
	// AppMesh edits the VirtualRouters of an AWS App Mesh.
	// +optional
	AppMesh *AppMeshTrafficRouting `json:"appMesh,omitempty"`
	// Traefik edits a weighted TraefikService.
	// +optional
	Traefik *TraefikTrafficRouting `json:"traefik,omitempty"`
	// Apisix edits an ApisixRoute.
	// +optional
	Apisix *ApisixTrafficRouting `json:"apisix,omitempty"`
	// Plugins are routers from elsewhere, by name, each with a configuration that only the plugin knows.
	// +optional
	// +nullable
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Plugins map[string]json.RawMessage `json:"plugins,omitempty"`
	// ManagedRoutes are the routes that header and mirror steps may write, the most important first.
	// Absent: those that a step names.
	// +optional
	// +listType=atomic
	ManagedRoutes []ManagedRoute `json:"managedRoutes,omitempty"`
	// MaxTrafficWeight is the weight that means all traffic. With nginx and plugins only. Absent: 100.
	// +optional
	MaxTrafficWeight *int32 `json:"maxTrafficWeight,omitempty"`
}

// ManagedRoute names a route that steps may write.
type ManagedRoute struct {
	// Name of the route.
	Name string `json:"name"`
}

// IstioTrafficRouting steers by VirtualServices, at the level of hosts or of a DestinationRule's subsets.
type IstioTrafficRouting struct {
	// VirtualService to edit. Exactly one of virtualService and virtualServices is set.
	// +optional
	VirtualService *IstioVirtualService `json:"virtualService,omitempty"`
	// VirtualServices to edit.
	// +optional
	// +listType=atomic
	VirtualServices []IstioVirtualService `json:"virtualServices,omitempty"`
	// DestinationRule whose subsets get the hashes of the two revisions. Absent: traffic is split between hosts.
	// +optional
	DestinationRule *IstioDestinationRule `json:"destinationRule,omitempty"`
}

// IstioVirtualService names the routes to edit.
type IstioVirtualService struct {
	// Name of the VirtualService, or name.namespace.
	Name string `json:"name"`
	// Routes are the names of the HTTP routes to edit. Absent: the only one there is.
	// +optional
	// +listType=atomic
	Routes []string `json:"routes,omitempty"`
	// TLSRoutes are the TLS routes to edit. Absent: the only one there is.
	// +optional
	// +listType=atomic
	TLSRoutes []TLSRoute `json:"tlsRoutes,omitempty"`
	// TCPRoutes are the TCP routes to edit. Absent: the only one there is.
	// +optional
	// +listType=atomic
	TCPRoutes []TCPRoute `json:"tcpRoutes,omitempty"`
}

// TLSRoute finds a TLS route. All of its fields that are set have to match.
type TLSRoute struct {
	// Port the route matches on. Absent: any.
	// +optional
	Port int64 `json:"port,omitempty"`
	// SNIHosts is the set of server names the route matches on. Absent: any.
	// +optional
	// +listType=atomic
	SNIHosts []string `json:"sniHosts,omitempty"`
}

// TCPRoute finds a TCP route.
type TCPRoute struct {
	// Port the route matches on. Absent: any.
	// +optional
	Port int64 `json:"port,omitempty"`
}

// IstioDestinationRule names the subsets of the two revisions.
type IstioDestinationRule struct {
	// Name of the DestinationRule.
	Name string `json:"name"`
	// CanarySubsetName is the subset of the new revision.
	CanarySubsetName string `json:"canarySubsetName"`
	// StableSubsetName is the subset of the stable revision.
	StableSubsetName string `json:"stableSubsetName"`
	// AdditionalSubsetNames are subsets whose weight is left alone. Absent: none.
	// +optional
	// +listType=atomic
	AdditionalSubsetNames []string `json:"additionalSubsetNames,omitempty"`
}

// NginxTrafficRouting makes a canary Ingress beside each stable one.
type NginxTrafficRouting struct {
	// AnnotationPrefix of the ingress controller. Absent: nginx.ingress.kubernetes.io.
	// +optional
	AnnotationPrefix string `json:"annotationPrefix,omitempty"`
	// StableIngress leads to the stable Service. Exactly one of stableIngress and stableIngresses is set.
	// +optional
	StableIngress string `json:"stableIngress,omitempty"`
	// StableIngresses all lead to the stable Service.
	// +optional
	// +listType=atomic
	StableIngresses []string `json:"stableIngresses,omitempty"`
	// AdditionalIngressAnnotations are set on the canary Ingress; the prefix is put in front where it is missing.
	// +optional
	AdditionalIngressAnnotations map[string]string `json:"additionalIngressAnnotations,omitempty"`
	// CanaryIngressAnnotations are set on the canary Ingress as they are.
	// +optional
	CanaryIngressAnnotations map[string]string `json:"canaryIngressAnnotations,omitempty"`
}

// ALBTrafficRouting edits the action annotations of an Ingress of the AWS load balancer controller.
type ALBTrafficRouting struct {
	// Ingress to edit. Exactly one of ingress and ingresses is set.
	// +optional
	Ingress string `json:"ingress,omitempty"`
	// ServicePort is the port of the Services in the action.
	ServicePort int32 `json:"servicePort"`
	// RootService is the backend that the Ingress names. Absent: stableService.
	// +optional
	RootService string `json:"rootService,omitempty"`
	// AnnotationPrefix of the action. Absent: alb.ingress.kubernetes.io.
	// +optional
	AnnotationPrefix string `json:"annotationPrefix,omitempty"`
	// StickinessConfig binds a client to a target group. Absent: it is not bound.
	// +optional
	StickinessConfig *StickinessConfig `json:"stickinessConfig,omitempty"`
	// Ingresses to edit.
	// +optional
	// +listType=atomic
	Ingresses []string `json:"ingresses,omitempty"`
}

// StickinessConfig binds a client to a target group.
type StickinessConfig struct {
	// Enabled turns it on.
	Enabled bool `json:"enabled"`
	// DurationSeconds is from 1 to 604800.
	DurationSeconds int64 `json:"durationSeconds"`
}

// SMITrafficRouting makes a TrafficSplit.
type SMITrafficRouting struct {
	// RootService is the Service that clients use. Absent: stableService.
	// +optional
	RootService string `json:"rootService,omitempty"`
	// TrafficSplitName is the name of the TrafficSplit. Absent: that of the Rollout.
	// +optional
	TrafficSplitName string `json:"trafficSplitName,omitempty"`
}

// AmbassadorTrafficRouting makes a canary Mapping beside each stable one.
type AmbassadorTrafficRouting struct {
	// Mappings lead to the stable Service.
	// +listType=atomic
	Mappings []string `json:"mappings"`
}

// AppMeshTrafficRouting edits the VirtualRouters of an AWS App Mesh.
type AppMeshTrafficRouting struct {
	// VirtualService whose router is edited.
	// +optional
	VirtualService *AppMeshVirtualService `json:"virtualService,omitempty"`
	// VirtualNodeGroup holds the VirtualNodes of the two revisions.
	// +optional
	VirtualNodeGroup *AppMeshVirtualNodeGroup `json:"virtualNodeGroup,omitempty"`
}

// AppMeshVirtualService names the routes to edit.
type AppMeshVirtualService struct {
	// Name of the VirtualService.
	Name string `json:"name"`
	// Routes are the names of the routes to edit. Absent: all of them.
	// +optional
	// +listType=atomic
	Routes []string `json:"routes,omitempty"`
}

// AppMeshVirtualNodeGroup holds the VirtualNodes of the two revisions.
type AppMeshVirtualNodeGroup struct {
	// CanaryVirtualNodeRef is that of the new revision.
	CanaryVirtualNodeRef *AppMeshVirtualNodeReference `json:"canaryVirtualNodeRef"`
	// StableVirtualNodeRef is that of the stable revision.
	StableVirtualNodeRef *AppMeshVirtualNodeReference `json:"stableVirtualNodeRef"`
}

// AppMeshVirtualNodeReference names a VirtualNode.
type AppMeshVirtualNodeReference struct {
	// Name of the VirtualNode.
	Name string `json:"name"`
}

// TraefikTrafficRouting edits a weighted TraefikService.
type TraefikTrafficRouting struct {
	// WeightedTraefikServiceName is its name.
	WeightedTraefikServiceName string `json:"weightedTraefikServiceName"`
}

// ApisixTrafficRouting edits an ApisixRoute.
type ApisixTrafficRouting struct {
	// Route to edit.
	// +optional
	Route *ApisixRoute `json:"route,omitempty"`
}

// ApisixRoute names the rules to edit.
type ApisixRoute struct {
	// Name of the ApisixRoute.
	Name string `json:"name"`
	// Rules are the names of the rules to edit. Absent: the only one there is.
	// +optional
	// +listType=atomic
	Rules []string `json:"rules,omitempty"`
}
