package v1alpha1

import (
	"encoding/json"

	batchv1 "k8s.io/api/batch/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// MetricProvider is who is asked. Exactly one of its kinds is set.
type MetricProvider struct {
	// Prometheus asks a Prometheus server.
	// +optional
	Prometheus *PrometheusMetric `json:"prometheus,omitempty"`
	// Kayenta asks Spinnaker's canary analysis.
	// +optional
	Kayenta *KayentaMetric `json:"kayenta,omitempty"`
	// Web calls an HTTP address that answers with JSON.
	// +optional
	Web *WebMetric `json:"web,omitempty"`
	// Datadog asks Datadog.
	// +optional
	Datadog *DatadogMetric `json:"datadog,omitempty"`
	// Wavefront asks Wavefront.
	// +optional
	Wavefront *WavefrontMetric `json:"wavefront,omitempty"`
	// NewRelic asks New Relic.
	// +optional
	NewRelic *NewRelicMetric `json:"newRelic,omitempty"`
	// Job runs a Job. It is good when the Job succeeds.
	// +optional
	Job *JobMetric `json:"job,omitempty"`
	// CloudWatch asks Amazon CloudWatch.
	// +optional
	CloudWatch *CloudWatchMetric `json:"cloudWatch,omitempty"`
	// Graphite asks Graphite.
	// +optional
	Graphite *GraphiteMetric `json:"graphite,omitempty"`
	// Influxdb asks InfluxDB.
	// +optional
	Influxdb *InfluxdbMetric `json:"influxdb,omitempty"`
	// Skywalking asks Apache SkyWalking.
	// +optional
	Skywalking *SkyWalkingMetric `json:"skywalking,omitempty"`
	// Plugin asks a plugin: exactly one name, with a configuration that only the plugin knows.
	// +optional
	// +nullable
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:validation:Type=object
	// +kubebuilder:pruning:PreserveUnknownFields
	Plugin map[string]json.RawMessage `json:"plugin,omitempty"`
}

// PrometheusMetric asks a Prometheus server.
type PrometheusMetric struct {
	// Address of the server, a URL. Absent: that of the controller's environment.
	// +optional
	Address string `json:"address,omitempty"`
	// Query in PromQL.
	// +optional
	Query string `json:"query,omitempty"`
	// Authentication at the server. Absent: none.
	// +optional
	Authentication Authentication `json:"authentication,omitzero"`
	// Timeout in seconds. Absent: 30.
	// +optional
	Timeout *int64 `json:"timeout,omitempty"`
	// Insecure skips the check of the server's certificate. Absent: it is checked.
	// +optional
	Insecure bool `json:"insecure,omitempty"`
	// Headers are sent with the request. Absent: none.
	// +optional
	// +listType=atomic
	Headers []WebMetricHeader `json:"headers,omitempty"`
	// RangeQuery asks for a range of time. Absent: for the present instant.
	// +optional
	RangeQuery *PrometheusRangeQueryArgs `json:"rangeQuery,omitempty"`
}

// PrometheusRangeQueryArgs is a range of time.
type PrometheusRangeQueryArgs struct {
	// Start is an expression that gives an instant, such as now() - duration("1h").
	// +optional
	Start string `json:"start,omitempty"`
	// End is an expression that gives an instant, such as now().
	// +optional
	End string `json:"end,omitempty"`
	// Step is the time between two samples, such as "1m".
	// +optional
	Step string `json:"step,omitempty"`
}

// Authentication at a server. At most one of its kinds is set.
type Authentication struct {
	// Sigv4 signs requests for AWS.
	// +optional
	Sigv4 Sigv4Config `json:"sigv4,omitzero"`
	// OAuth2 fetches a token by client credentials.
	// +optional
	OAuth2 OAuth2Config `json:"oauth2,omitzero"`
	// BasicAuth sends a name and a password.
	// +optional
	BasicAuth BasicAuthConfig `json:"basicAuth,omitzero"`
}

// Sigv4Config signs requests for AWS.
type Sigv4Config struct {
	// Region of AWS.
	// +optional
	Region string `json:"region,omitempty"`
	// Profile of the credentials.
	// +optional
	Profile string `json:"profile,omitempty"`
	// RoleARN to assume.
	// +optional
	RoleARN string `json:"roleArn,omitempty"`
}

// OAuth2Config fetches a token by client credentials.
type OAuth2Config struct {
	// TokenURL is where tokens are given.
	// +optional
	TokenURL string `json:"tokenUrl,omitempty"`
	// ClientID is the name of the client.
	// +optional
	ClientID string `json:"clientId,omitempty"`
	// ClientSecret is the client's secret. Use an argument that comes from a Secret.
	// +optional
	ClientSecret string `json:"clientSecret,omitempty"`
	// Scopes to ask for. Absent: none.
	// +optional
	// +listType=atomic
	Scopes []string `json:"scopes,omitempty"`
}

// BasicAuthConfig sends a name and a password.
type BasicAuthConfig struct {
	// Username is the name.
	// +optional
	Username string `json:"username,omitempty"`
	// Password is the password. Use an argument that comes from a Secret.
	// +optional
	Password string `json:"password,omitempty"`
}

// WebMetric calls an HTTP address that answers with JSON.
type WebMetric struct {
	// Method is GET, POST or PUT. Absent: GET.
	// +optional
	Method WebMetricMethod `json:"method,omitempty"`
	// URL to call.
	URL string `json:"url"`
	// Headers are sent with the request. Absent: none.
	// +optional
	// +listType=atomic
	Headers []WebMetricHeader `json:"headers,omitempty"`
	// Body is sent with POST and PUT. At most one of body and jsonBody is set.
	// +optional
	Body string `json:"body,omitempty"`
	// TimeoutSeconds is the time allowed. Absent: 10.
	// +optional
	TimeoutSeconds int64 `json:"timeoutSeconds,omitempty"`
	// JSONPath picks the value out of the answer. Absent: the whole answer.
	// +optional
	JSONPath string `json:"jsonPath,omitempty"`
	// Insecure skips the check of the server's certificate. Absent: it is checked.
	// +optional
	Insecure bool `json:"insecure,omitempty"`
	// JSONBody is sent as JSON with POST and PUT.
	// +optional
	// +kubebuilder:validation:Schemaless
	// +kubebuilder:pruning:PreserveUnknownFields
	JSONBody json.RawMessage `json:"jsonBody,omitempty"`
	// Authentication at the server; only oauth2 is used. Absent: none.
	// +optional
	Authentication Authentication `json:"authentication,omitzero"`
}

// WebMetricMethod is a method of HTTP.
type WebMetricMethod string

// The methods of a WebMetric.
const (
	WebMetricMethodGet  WebMetricMethod = "GET"
	WebMetricMethodPost WebMetricMethod = "POST"
	WebMetricMethodPut  WebMetricMethod = "PUT"
)

// WebMetricHeader is a header of HTTP.
type WebMetricHeader struct {
	// Key is the name of the header.
	Key string `json:"key"`
	// Value of the header.
	Value string `json:"value"`
}

// JobMetric runs a Job.
type JobMetric struct {
	// Metadata of the Job. Absent: only the controller's own.
	// +optional
	Metadata PodTemplateMetadata `json:"metadata,omitzero"`
	// Spec of the Job.
	Spec batchv1.JobSpec `json:"spec"`
}

// DatadogMetric asks Datadog.
type DatadogMetric struct {
	// Interval is the window of time that is looked at. Absent: 5m.
	// +kubebuilder:default="5m"
	// +optional
	Interval DurationString `json:"interval,omitempty"`
	// Query to ask. At most one of query and queries is set.
	// +optional
	Query string `json:"query,omitempty"`
	// Queries to ask, by name. With apiVersion v2 only.
	// +optional
	Queries map[string]string `json:"queries,omitempty"`
	// Formula over the queries. It is needed when there are several.
	// +optional
	Formula string `json:"formula,omitempty"`
	// APIVersion of Datadog: v1 or v2. Absent: v1.
	// +kubebuilder:validation:Enum=v1;v2
	// +kubebuilder:default=v1
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// Aggregator makes one number of a series. With apiVersion v2 only. Absent: last.
	// +kubebuilder:validation:Enum=avg;min;max;sum;last;percentile;mean;l2norm;area
	// +optional
	Aggregator string `json:"aggregator,omitempty"`
	// SecretRef names the Secret of the credentials. Absent: the controller's own.
	// +optional
	SecretRef SecretRef `json:"secretRef,omitzero"`
	// RequestTimeout is the time allowed. Absent: 10s.
	// +kubebuilder:default="10s"
	// +optional
	RequestTimeout DurationString `json:"requestTimeout,omitempty"`
}

// SecretRef names a Secret.
type SecretRef struct {
	// Name of the Secret.
	// +optional
	Name string `json:"name,omitempty"`
	// Namespaced says that it is in the namespace of the run. Absent: in that of the controller.
	// +optional
	Namespaced bool `json:"namespaced,omitempty"`
}

// NewRelicMetric asks New Relic.
type NewRelicMetric struct {
	// Profile is the Secret of the credentials. Absent: newrelic.
	// +optional
	Profile string `json:"profile,omitempty"`
	// Query in NRQL.
	Query string `json:"query"`
	// Timeout in seconds. Absent: 5.
	// +optional
	Timeout *int64 `json:"timeout,omitempty"`
}

// WavefrontMetric asks Wavefront.
type WavefrontMetric struct {
	// Address of the server, without a scheme.
	// +optional
	Address string `json:"address,omitempty"`
	// Query in the language of Wavefront.
	// +optional
	Query string `json:"query,omitempty"`
}

// GraphiteMetric asks Graphite.
type GraphiteMetric struct {
	// Address of the server, a URL.
	// +optional
	Address string `json:"address,omitempty"`
	// Query of the render API.
	// +optional
	Query string `json:"query,omitempty"`
}

// InfluxdbMetric asks InfluxDB.
type InfluxdbMetric struct {
	// Profile is the Secret of the credentials. Absent: influxdb.
	// +optional
	Profile string `json:"profile,omitempty"`
	// Query in Flux.
	// +optional
	Query string `json:"query,omitempty"`
}

// SkyWalkingMetric asks Apache SkyWalking.
type SkyWalkingMetric struct {
	// Address of the server, a URL.
	// +optional
	Address string `json:"address,omitempty"`
	// Query in GraphQL.
	// +optional
	Query string `json:"query,omitempty"`
	// Interval is the window of time that is looked at. Absent: 5m.
	// +optional
	Interval DurationString `json:"interval,omitempty"`
}

// CloudWatchMetric asks Amazon CloudWatch.
type CloudWatchMetric struct {
	// Interval is the window of time that is looked at. Absent: 5m.
	// +optional
	Interval DurationString `json:"interval,omitempty"`
	// MetricDataQueries are what to ask.
	// +listType=atomic
	MetricDataQueries []CloudWatchMetricDataQuery `json:"metricDataQueries"`
}

// CloudWatchMetricDataQuery is one question to CloudWatch.
type CloudWatchMetricDataQuery struct {
	// ID of the question.
	// +optional
	ID string `json:"id,omitempty"`
	// Expression over other questions. Exactly one of expression and metricStat is set.
	// +optional
	Expression *string `json:"expression,omitempty"`
	// Label of the result.
	// +optional
	Label *string `json:"label,omitempty"`
	// MetricStat is a metric and a statistic of it.
	// +optional
	MetricStat *CloudWatchMetricStat `json:"metricStat,omitempty"`
	// Period in seconds.
	// +optional
	Period *intstr.IntOrString `json:"period,omitempty"`
	// ReturnData says whether the result is returned. Absent: it is.
	// +optional
	ReturnData *bool `json:"returnData,omitempty"`
}

// CloudWatchMetricStat is a metric and a statistic of it.
type CloudWatchMetricStat struct {
	// Metric to look at.
	// +optional
	Metric CloudWatchMetricStatMetric `json:"metric,omitzero"`
	// Period in seconds.
	// +optional
	Period *intstr.IntOrString `json:"period,omitempty"`
	// Stat is the statistic.
	// +optional
	Stat string `json:"stat,omitempty"`
	// Unit of the metric.
	// +optional
	Unit string `json:"unit,omitempty"`
}

// CloudWatchMetricStatMetric names a metric.
type CloudWatchMetricStatMetric struct {
	// Dimensions of the metric.
	// +optional
	// +listType=atomic
	Dimensions []CloudWatchMetricStatMetricDimension `json:"dimensions,omitempty"`
	// MetricName is its name.
	// +optional
	MetricName string `json:"metricName,omitempty"`
	// Namespace of the metric.
	// +optional
	Namespace *string `json:"namespace,omitempty"`
}

// CloudWatchMetricStatMetricDimension is a dimension of a metric.
type CloudWatchMetricStatMetricDimension struct {
	// Name of the dimension.
	// +optional
	Name string `json:"name,omitempty"`
	// Value of the dimension.
	// +optional
	Value string `json:"value,omitempty"`
}

// KayentaMetric asks Spinnaker's canary analysis.
type KayentaMetric struct {
	// Address of the server, a URL.
	Address string `json:"address"`
	// Application is its name there.
	Application string `json:"application"`
	// CanaryConfigName is the configuration to use.
	CanaryConfigName string `json:"canaryConfigName"`
	// MetricsAccountName is the account of the metrics.
	MetricsAccountName string `json:"metricsAccountName"`
	// ConfigurationAccountName is the account of the configuration.
	ConfigurationAccountName string `json:"configurationAccountName"`
	// StorageAccountName is the account of the storage.
	StorageAccountName string `json:"storageAccountName"`
	// Threshold of the score.
	Threshold KayentaThreshold `json:"threshold"`
	// Scopes to compare.
	// +listType=atomic
	Scopes []KayentaScope `json:"scopes"`
	// Lookback lets every measurement begin at the start of the run. Absent: each looks at one interval.
	// +optional
	Lookback bool `json:"lookback,omitempty"`
}

// KayentaThreshold is what score is good, and what is bad.
type KayentaThreshold struct {
	// Pass is the least score that is good.
	Pass int64 `json:"pass"`
	// Marginal is the least score that is not bad.
	Marginal int64 `json:"marginal"`
}

// KayentaScope is a pair to compare.
type KayentaScope struct {
	// Name of the scope.
	Name string `json:"name"`
	// ControlScope is what to compare with.
	ControlScope ScopeDetail `json:"controlScope"`
	// ExperimentScope is what to judge.
	ExperimentScope ScopeDetail `json:"experimentScope"`
}

// ScopeDetail is one side of a comparison.
type ScopeDetail struct {
	// Scope is its name.
	Scope string `json:"scope"`
	// Region of the scope.
	Region string `json:"region"`
	// Step in seconds.
	Step int64 `json:"step"`
	// Start of the window. Absent: one interval ago.
	// +optional
	Start string `json:"start,omitempty"`
	// End of the window. Absent: now.
	// +optional
	End string `json:"end,omitempty"`
}
