package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const (
	rulesFile     = "deploy/observability/alerts.yaml"
	dashboardFile = "deploy/observability/dashboard.json"
	metricsFile   = "docs/metrics.md"
	runbooksFile  = "docs/operations.md"
)

var (
	metricRow  = regexp.MustCompile("(?m)^\\| `(\\w+)` \\| (\\w+) \\| \\w+ \\| (.*?) \\|")
	quotedName = regexp.MustCompile("`(\\w+)`")
	heading    = regexp.MustCompile(`(?m)^#{2,4} (.+)$`)
	severities = []string{"page", "ticket"}
	// Of whoever scrapes, and of Prometheus itself.
	scraped     = []string{"instance", "job", "worker"}
	metadata    = regexp.MustCompile(`^(up|ALERTS)$`)
	ofDashboard = strings.NewReplacer("$__rate_interval", "5m", "$instance", ".*")
)

// metric is what docs/metrics.md says of one.
type metric struct {
	kind   string
	labels []string
}

type panel struct {
	Title   string
	Targets []struct{ Expr string }
	Panels  []panel
}

// checkObservability reads alert rules and dashboard with the code of Prometheus, and sees that what they ask for is told, that each
// alert has its runbook, and that it fires when it should.
func checkObservability(root string, found *faults) string {
	page, err := os.ReadFile(filepath.Join(root, metricsFile))
	if err != nil {
		found.add("%v", err)
		return ""
	}
	metrics := map[string]metric{}
	for _, row := range metricRow.FindAllStringSubmatch(string(page), -1) {
		told := metric{kind: row[2], labels: slices.Clone(scraped)}
		for _, label := range quotedName.FindAllStringSubmatch(row[3], -1) {
			told.labels = append(told.labels, label[1])
		}
		metrics[row[1]] = told
	}
	alerts, fired := checkRules(root, metrics, found)
	asked := checkDashboard(root, metrics, found)
	return fmt.Sprintf("%d alerts with their runbooks, %d of them seen to fire and to stay silent, %d questions of the dashboard", alerts, fired, asked)
}

func checkRules(root string, metrics map[string]metric, found *faults) (count, fired int) {
	content, err := os.ReadFile(filepath.Join(root, rulesFile))
	if err != nil {
		found.add("%v", err)
		return 0, 0
	}
	groups, errs := rulefmt.Parse(content, false, model.UTF8Validation)
	for _, err := range errs {
		found.add("%s: %v", rulesFile, err)
	}
	if len(errs) > 0 {
		return 0, 0
	}
	runbooks := anchorsOf(root, found)
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			count++
			checkExpression(rule.Alert, rule.Expr, metrics, found)
			if !slices.Contains(severities, rule.Labels["severity"]) {
				found.add("%s: its severity is %q, not one of %v", rule.Alert, rule.Labels["severity"], severities)
			}
			if rule.Annotations["summary"] == "" {
				found.add("%s: it has no summary", rule.Alert)
			}
			file, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
			if file != runbooksFile || !slices.Contains(runbooks, anchor) {
				found.add("%s: there is no runbook at %q", rule.Alert, rule.Annotations["runbook_url"])
			}
		}
	}
	return count, checkFiring(root, groups, found)
}

func checkDashboard(root string, metrics map[string]metric, found *faults) int {
	content, err := os.ReadFile(filepath.Join(root, dashboardFile))
	if err != nil {
		found.add("%v", err)
		return 0
	}
	var dashboard struct{ Panels []panel }
	if err := json.Unmarshal(content, &dashboard); err != nil {
		found.add("%s: %v", dashboardFile, err)
		return 0
	}
	count := 0
	var check func(panels []panel)
	check = func(panels []panel) {
		for _, each := range panels {
			for _, target := range each.Targets {
				count++
				checkExpression(each.Title, ofDashboard.Replace(target.Expr), metrics, found)
			}
			check(each.Panels)
		}
	}
	check(dashboard.Panels)
	return count
}

// checkExpression parses it as Prometheus does, and looks each name and label up in what is told.
func checkExpression(where, expression string, metrics map[string]metric, found *faults) {
	parsed, err := parser.ParseExpr(expression)
	if err != nil {
		found.add("%s: %v", where, err)
		return
	}
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok || metadata.MatchString(selector.Name) {
			return nil
		}
		asked, ok := lookUp(selector.Name, metrics)
		if !ok {
			found.add("%s: there is no metric %s in %s", where, selector.Name, metricsFile)
			return nil
		}
		for _, matcher := range selector.LabelMatchers {
			if matcher.Name != model.MetricNameLabel && !slices.Contains(asked.labels, matcher.Name) {
				found.add("%s: %s has no label %s", where, selector.Name, matcher.Name)
			}
		}
		return nil
	})
}

// lookUp also finds the series of a histogram.
func lookUp(name string, metrics map[string]metric) (metric, bool) {
	if asked, ok := metrics[name]; ok {
		return asked, asked.kind != "histogram"
	}
	for _, end := range []string{"_bucket", "_sum", "_count"} {
		if base, isSeries := strings.CutSuffix(name, end); isSeries {
			asked, ok := metrics[base]
			return asked, ok && asked.kind == "histogram"
		}
	}
	return metric{}, false
}

// anchorsOf are the headings of the page of runbooks, as they are linked to.
func anchorsOf(root string, found *faults) []string {
	page, err := os.ReadFile(filepath.Join(root, runbooksFile))
	if err != nil {
		found.add("%v", err)
		return nil
	}
	var anchors []string
	for _, line := range heading.FindAllStringSubmatch(string(page), -1) {
		anchors = append(anchors, strings.ReplaceAll(strings.ToLower(line[1]), " ", "-"))
	}
	return anchors
}
