package main

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/template"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
	"sigs.k8s.io/yaml"
)

const firingFile = "deploy/observability/alerts.test.yaml"

// firingTests is as much of the format of `promtool test rules` as is used here.
type firingTests struct {
	RuleFiles          []string       `json:"rule_files"`
	EvaluationInterval model.Duration `json:"evaluation_interval"`
	Tests              []firingTest   `json:"tests"`
}

type firingTest struct {
	Name        string         `json:"name"`
	Interval    model.Duration `json:"interval"`
	InputSeries []struct {
		Series string `json:"series"`
		Values string `json:"values"`
	} `json:"input_series"`
	Expectations []expectation `json:"alert_rule_test"`
}

type expectation struct {
	Alert    string         `json:"alertname"`
	EvalTime model.Duration `json:"eval_time"`
	Alerts   []firing       `json:"exp_alerts"`
}

type firing struct {
	Labels      map[string]string `json:"exp_labels"`
	Annotations map[string]string `json:"exp_annotations"`
}

// maps are printed in the order of their keys.
func (f firing) String() string { return fmt.Sprint(f.Labels, f.Annotations) }

// checkFiring evaluates the rules over made-up figures with the engine of Prometheus, and sees that each fires and stays silent when it should.
// What makes an alert of a result is its own: package rules of Prometheus brings the clients of a dozen clouds along.
func checkFiring(root string, groups *rulefmt.RuleGroups, found *faults) int {
	content, err := os.ReadFile(filepath.Join(root, firingFile))
	if err != nil {
		found.add("%v", err)
		return 0
	}
	var tests firingTests
	if err := yaml.UnmarshalStrict(content, &tests); err != nil {
		found.add("%s: %v", firingFile, err)
		return 0
	}
	rules := map[string]rulefmt.Rule{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			if _, ok := rules[rule.Alert]; ok {
				found.add("%s: there are two alerts %s", firingFile, rule.Alert)
			}
			if rule.KeepFiringFor != 0 {
				found.add("%s: %s has keep_firing_for, which is not evaluated here", firingFile, rule.Alert)
			}
			rules[rule.Alert] = rule
		}
	}
	engine := promql.NewEngine(promql.EngineOpts{
		MaxSamples: 1_000_000, Timeout: time.Minute, EnableAtModifier: true, EnableNegativeOffset: true,
	})
	defer engine.Close()
	fired, silent := map[string]bool{}, map[string]bool{}
	for _, test := range tests.Tests {
		figures, err := test.figures()
		if err != nil {
			found.add("%s: %s: %v", firingFile, test.Name, err)
			continue
		}
		for _, expected := range test.Expectations {
			rule, ok := rules[expected.Alert]
			if !ok {
				found.add("%s: %s: there is no alert %s", firingFile, test.Name, expected.Alert)
				continue
			}
			alerts, err := firingAt(engine, figures, rule, time.Duration(expected.EvalTime), time.Duration(tests.EvaluationInterval))
			if err != nil {
				found.add("%s: %s: %v", firingFile, test.Name, err)
			} else if got, wanted := told(alerts), told(expected.Alerts); got != wanted {
				found.add("%s: %s, after %s: it says %s, not %s", firingFile, test.Name, expected.EvalTime, got, wanted)
			}
			if len(expected.Alerts) > 0 {
				fired[expected.Alert] = true
			} else {
				silent[expected.Alert] = true
			}
		}
	}
	for _, name := range keysOf(rules) {
		if !fired[name] || !silent[name] {
			found.add("%s: %s must fire in it, and stay silent", firingFile, name)
		}
	}
	return len(fired)
}

// told is what fires, whatever its order.
func told(alerts []firing) string {
	if len(alerts) == 0 {
		return "nothing"
	}
	lines := make([]string, len(alerts))
	for i, alert := range alerts {
		lines[i] = alert.String()
	}
	sort.Strings(lines)
	return strings.Join(lines, ", ")
}

// firingAt evaluates one rule from the beginning to that time, as Prometheus does: what has been true for as long as the rule asks fires.
func firingAt(engine *promql.Engine, figures storage.Queryable, rule rulefmt.Rule, at, every time.Duration) ([]firing, error) {
	ctx, start := context.Background(), time.Unix(0, 0).UTC()
	since := map[string]time.Duration{}
	var alerts []firing
	for now := time.Duration(0); now <= at; now += every {
		query, err := engine.NewInstantQuery(ctx, figures, nil, rule.Expr, start.Add(now))
		if err != nil {
			return nil, err
		}
		vector, err := query.Exec(ctx).Vector()
		if err != nil {
			return nil, err
		}
		before := since
		since, alerts = map[string]time.Duration{}, nil
		for _, sample := range vector {
			alert, err := alertOf(ctx, rule, sample, start.Add(now))
			if err != nil {
				return nil, err
			}
			key := fmt.Sprint(alert.Labels)
			since[key] = now
			if first, ok := before[key]; ok {
				since[key] = first
			}
			if now-since[key] >= time.Duration(rule.For) {
				alerts = append(alerts, alert)
			}
		}
		query.Close()
	}
	return alerts, nil
}

// alertOf gives a result the labels and the texts of the rule. The name of the alert is left out, as in the file.
func alertOf(ctx context.Context, rule rulefmt.Rule, sample promql.Sample, at time.Time) (firing, error) {
	own := sample.Metric.Map()
	data := template.AlertTemplateData(own, nil, "", sample)
	var failed error
	expanded := func(texts map[string]string) map[string]string {
		result := map[string]string{}
		for key, text := range texts {
			const names = "{{$labels := .Labels}}{{$externalLabels := .ExternalLabels}}{{$externalURL := .ExternalURL}}{{$value := .Value}}"
			value, err := template.NewTemplateExpander(ctx, names+text, rule.Alert, data, model.TimeFromUnixNano(at.UnixNano()), nil, &url.URL{}, nil).Expand()
			if err != nil {
				failed = err
			}
			result[key] = value
		}
		return result
	}
	alert := firing{Labels: maps.Clone(own), Annotations: expanded(rule.Annotations)}
	delete(alert.Labels, model.MetricNameLabel)
	maps.Copy(alert.Labels, expanded(rule.Labels))
	return alert, failed
}

// figures are the series of a test, as a store that can be asked.
func (test firingTest) figures() (storage.Queryable, error) {
	var all []storage.Series
	for _, input := range test.InputSeries {
		names, values, err := parser.ParseSeriesDesc(input.Series + " " + input.Values)
		if err != nil {
			return nil, err
		}
		var samples []chunks.Sample
		for i, value := range values {
			if !value.Omitted {
				samples = append(samples, figure{int64(i) * time.Duration(test.Interval).Milliseconds(), value.Value})
			}
		}
		all = append(all, storage.NewListSeries(names, samples))
	}
	querier := &storage.MockQuerier{SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
		return &chosen{at: -1, series: matching(all, matchers)}
	}}
	return &storage.MockQueryable{MockQuerier: querier}, nil
}

func matching(all []storage.Series, matchers []*labels.Matcher) []storage.Series {
	var found []storage.Series
	for _, series := range all {
		isMeant := true
		for _, matcher := range matchers {
			isMeant = isMeant && matcher.Matches(series.Labels().Get(matcher.Name))
		}
		if isMeant {
			found = append(found, series)
		}
	}
	return found
}

// chosen is the answer to a selection.
type chosen struct {
	series []storage.Series
	at     int
}

func (c *chosen) Next() bool                        { c.at++; return c.at < len(c.series) }
func (c *chosen) At() storage.Series                { return c.series[c.at] }
func (c *chosen) Err() error                        { return nil }
func (c *chosen) Warnings() annotations.Annotations { return nil }

// figure is a value at a time, ms.
type figure struct {
	at    int64
	value float64
}

func (f figure) T() int64                      { return f.at }
func (f figure) F() float64                    { return f.value }
func (f figure) H() *histogram.Histogram       { return nil }
func (f figure) FH() *histogram.FloatHistogram { return nil }
func (f figure) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (f figure) Copy() chunks.Sample           { return f }
