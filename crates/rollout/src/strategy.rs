//! A Rollout's `strategy.canary` as Argo writes it, read into steps and an analysis. What is not carried out is refused.

use std::collections::BTreeMap;
use std::time::Duration;

use penstock_model::gateway::LATENCY_BOUNDS_MS;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::duration;

/// Steps in a strategy.
pub const MAX_STEPS: usize = 100;
/// Metrics over all templates of an analysis.
pub const MAX_METRICS: usize = 20;
/// Kubernetes' own default of `progressDeadlineSeconds`.
pub const DEFAULT_DEADLINE: Duration = Duration::from_secs(600);
/// A measurement needs at least one request.
const MIN_REQUESTS: u64 = 1;
const PLUGIN: &str = "penstock/gateway";

/// How long a step bakes at least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "is")]
pub enum Pause {
    /// Until its verdict passes.
    None,
    /// This long, in milliseconds, and until its verdict passes.
    For {
        /// Milliseconds.
        millis: u64,
    },
    /// Until a person resumes, and until its verdict passes.
    UntilResumed,
}

/// A weight and how long it stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Share of the traffic in percent.
    pub weight: u32,
    /// How long.
    pub pause: Pause,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "measure")]
pub enum Measure {
    /// Errors among the requests.
    ErrorRate {
        /// At most this many in a million.
        max_ppm: u64,
    },
    /// The 95th percentile of the time to the answer.
    P95 {
        /// At most this, one of [`LATENCY_BOUNDS_MS`].
        max_ms: u32,
    },
}

/// One threshold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metric {
    /// Its name in the template.
    pub name: String,
    /// What is measured.
    #[serde(flatten)]
    pub measure: Measure,
    /// Over at least this many requests.
    pub min_requests: u64,
}

/// All thresholds of a canary, in force from its first request to its promotion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Analysis {
    /// Each must pass.
    pub metrics: Vec<Metric>,
    /// How often to look, in milliseconds; the shortest of the metrics' intervals.
    pub interval_ms: u64,
}

/// What a canary goes by; kept with it from its start.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The steps before 100 %. None: at once.
    pub steps: Vec<Step>,
    /// What it is judged by.
    pub analysis: Analysis,
    /// Pods that are not ready within this time after a step's order, in milliseconds, end the canary.
    pub deadline_ms: u64,
}

/// A strategy that is not carried out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{object}: {path}: {why}")]
pub struct InvalidStrategy {
    /// The object, as kind and name.
    pub object: String,
    /// Where in it: `spec.strategy.canary.steps[2].experiment`.
    pub path: String,
    /// Why, and what to do.
    pub why: String,
}

type Parsed<T> = Result<T, InvalidStrategy>;

/// A value with the way to it.
struct At<'a> {
    object: &'a str,
    path: String,
    value: &'a Value,
}

impl<'a> At<'a> {
    fn error(&self, why: impl Into<String>) -> InvalidStrategy {
        InvalidStrategy { object: self.object.to_owned(), path: self.path.clone(), why: why.into() }
    }

    fn key(&self, key: &str) -> Option<At<'a>> {
        let value = self.value.get(key)?;
        if value.is_null() { None } else { Some(At { object: self.object, path: format!("{}.{key}", self.path), value }) }
    }

    fn want(&self, key: &str) -> Parsed<At<'a>> {
        self.key(key).ok_or_else(|| self.error(format!("`{key}` is missing")))
    }

    fn map(&self) -> Parsed<&'a Map<String, Value>> {
        self.value.as_object().ok_or_else(|| self.error("a mapping is expected"))
    }

    fn items(&self) -> Parsed<Vec<At<'a>>> {
        let items = self.value.as_array().ok_or_else(|| self.error("a list is expected"))?;
        Ok(items.iter().enumerate().map(|(i, value)| At { object: self.object, path: format!("{}[{i}]", self.path), value }).collect())
    }

    fn text(&self) -> Parsed<&'a str> {
        self.value.as_str().ok_or_else(|| self.error("text is expected"))
    }

    fn duration(&self) -> Parsed<Duration> {
        duration::parse(self.value).map_err(|error| self.error(error.to_string()))
    }

    /// Every key must be known; the hint says what to do about those that are not.
    fn only(&self, known: &[&str], hint: &str) -> Parsed<()> {
        for key in self.map()?.keys() {
            if !known.contains(&key.as_str()) {
                let at = At { object: self.object, path: format!("{}.{key}", self.path), value: self.value };
                return Err(at.error(format!("`{key}` is not carried out; {hint}")));
            }
        }
        Ok(())
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// Reads a Rollout. `templates` are the `AnalysisTemplate`s of its namespace by name.
pub fn parse_plan(rollout: &Value, templates: &BTreeMap<String, Value>) -> Parsed<Plan> {
    let name = rollout.pointer("/metadata/name").and_then(Value::as_str).unwrap_or("?");
    let object = format!("Rollout {name}");
    let root = At { object: &object, path: "spec".to_owned(), value: rollout.get("spec").unwrap_or(&Value::Null) };
    let strategy = root.want("strategy")?;
    if strategy.key("blueGreen").is_some() {
        return Err(strategy
            .key("blueGreen")
            .unwrap_or(strategy)
            .error("blue-green is not carried out yet; write `canary` with `setWeight` and `pause` steps"));
    }
    strategy.only(&["canary"], "write `canary`")?;
    let canary = strategy.want("canary")?;
    canary.only(
        &["steps", "analysis", "maxSurge", "maxUnavailable"],
        "a canary is split by the gateway, by `steps` and a background `analysis`; remove the key",
    )?;
    let steps = canary.key("steps").map_or(Ok(Vec::new()), |steps| parse_steps(&steps))?;
    let analysis = canary.key("analysis").map_or(Ok(Analysis::default()), |analysis| parse_analysis(&analysis, templates))?;
    let deadline = root.key("progressDeadlineSeconds").map_or(Ok(DEFAULT_DEADLINE), |at| at.duration())?;
    Ok(Plan { steps, analysis, deadline_ms: millis(deadline) })
}

fn parse_steps(at: &At<'_>) -> Parsed<Vec<Step>> {
    let items = at.items()?;
    if items.len() > MAX_STEPS {
        return Err(at.error(format!("more than {MAX_STEPS} steps")));
    }
    let mut steps: Vec<Step> = Vec::new();
    let mut fresh = false; // the last step came from a setWeight that no pause has followed yet
    for item in items {
        item.only(
            &["setWeight", "pause"],
            "steps are `setWeight` and `pause`; an analysis runs in the background, under `canary.analysis`",
        )?;
        match (item.key("setWeight"), item.value.get("pause")) {
            (Some(weight), None) => {
                let value = weight.value.as_u64().filter(|weight| (1..=100).contains(weight));
                let value = value.ok_or_else(|| weight.error("a whole number from 1 to 100 is expected"))?;
                let value = u32::try_from(value).unwrap_or(100);
                if let Some(before) = steps.last().filter(|before| before.weight >= value) {
                    return Err(weight.error(format!("the weight must rise, and {} % came before", before.weight)));
                }
                steps.push(Step { weight: value, pause: Pause::None });
                fresh = true;
            }
            (None, Some(pause)) => {
                let pause = At { object: item.object, path: format!("{}.pause", item.path), value: pause };
                let parsed = parse_pause(&pause)?;
                let Some(last) = steps.last_mut() else {
                    return Err(pause.error("a pause before the first `setWeight` is not carried out; begin with `setWeight`"));
                };
                if std::mem::take(&mut fresh) {
                    last.pause = parsed;
                } else {
                    let weight = last.weight;
                    steps.push(Step { weight, pause: parsed });
                }
            }
            _ => return Err(item.error("one of `setWeight` and `pause` is expected")),
        }
    }
    Ok(steps)
}

fn parse_pause(at: &At<'_>) -> Parsed<Pause> {
    if at.value.is_null() {
        return Ok(Pause::UntilResumed);
    }
    at.only(&["duration"], "`pause: {}` waits for a person, `pause: {duration: 15m}` for a time")?;
    Ok(match at.key("duration") {
        None => Pause::UntilResumed,
        Some(duration) => Pause::For { millis: millis(duration.duration()?) },
    })
}

fn parse_analysis(at: &At<'_>, templates: &BTreeMap<String, Value>) -> Parsed<Analysis> {
    at.only(&["templates"], "the analysis runs from the first step to the last; remove the key")?;
    let mut analysis = Analysis { metrics: Vec::new(), interval_ms: u64::MAX };
    for item in at.want("templates")?.items()? {
        item.only(&["templateName"], "templates are found by `templateName` in the Rollout's namespace")?;
        let name = item.want("templateName")?;
        let found = templates
            .get(name.text()?)
            .ok_or_else(|| name.error(format!("there is no AnalysisTemplate `{}` beside this Rollout", name.value)))?;
        parse_template(name.text()?, found, &mut analysis)?;
    }
    if analysis.metrics.is_empty() {
        return Err(at.error("the analysis measures nothing; name a template with metrics, or remove `analysis`"));
    }
    if analysis.metrics.len() > MAX_METRICS {
        return Err(at.error(format!("more than {MAX_METRICS} metrics")));
    }
    Ok(analysis)
}

fn parse_template(name: &str, template: &Value, analysis: &mut Analysis) -> Parsed<()> {
    let object = format!("AnalysisTemplate {name}");
    let spec = At { object: &object, path: "spec".to_owned(), value: template.get("spec").unwrap_or(&Value::Null) };
    spec.only(&["metrics"], "only `metrics` of the plugin `penstock/gateway` are measured; remove the key")?;
    for metric in spec.want("metrics")?.items()? {
        metric.only(
            &["name", "interval", "provider", "failureLimit", "consecutiveErrorLimit"],
            "a metric has `name`, `interval` and `provider`; its threshold stands in the plugin's `max`",
        )?;
        // figures are read as a whole and never fail by themselves: unknown ones hold
        for key in ["failureLimit", "consecutiveErrorLimit"] {
            if let Some(limit) = metric.key(key).filter(|limit| limit.value.as_u64() != Some(0)) {
                return Err(limit.error(
                    "only 0 is carried out: the first measurement over `max` ends the canary; raise `max` or `minRequests` instead",
                ));
            }
        }
        let interval = metric.key("interval").map_or(Ok(Duration::from_secs(1)), |at| at.duration())?;
        if interval < Duration::from_millis(100) {
            return Err(metric.error("the interval is shorter than 100 ms"));
        }
        analysis.interval_ms = analysis.interval_ms.min(millis(interval));
        let label = metric.want("name")?.text()?.to_owned();
        analysis.metrics.push(parse_metric(label, &metric.want("provider")?)?);
    }
    Ok(())
}

fn parse_metric(name: String, provider: &At<'_>) -> Parsed<Metric> {
    let hint = "the provider is the gateway itself: `plugin: {penstock/gateway: {measure: error-rate, max: 0.01, minRequests: 500}}`";
    provider.only(&["plugin"], hint)?;
    let plugin = provider.want("plugin")?;
    plugin.only(&[PLUGIN], hint)?;
    let gateway = plugin.want(PLUGIN)?;
    gateway.only(&["measure", "max", "minRequests"], hint)?;
    let max = gateway.want("max")?;
    let measure = gateway.want("measure")?;
    let measure = match measure.text()? {
        "error-rate" => Measure::ErrorRate { max_ppm: parse_share(&max)? },
        "p95" => Measure::P95 { max_ms: parse_bound(&max)? },
        other => return Err(measure.error(format!("`{other}` is not measured; `error-rate` and `p95` are"))),
    };
    let least = gateway.want("minRequests")?;
    let min_requests = least.value.as_u64().filter(|least| (MIN_REQUESTS..=1_000_000_000).contains(least));
    let min_requests = min_requests.ok_or_else(|| least.error("a whole number from 1 to 1000000000 is expected"))?;
    Ok(Metric { name, measure, min_requests })
}

fn parse_share(at: &At<'_>) -> Parsed<u64> {
    let number = match at.value {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => text.strip_suffix('%').and_then(|text| text.trim().parse::<f64>().ok()).map(|percent| percent / 100.0),
        _ => None,
    };
    let share = number.filter(|share| (0.0..1.0).contains(share));
    let share = share.ok_or_else(|| at.error("a share below 1 such as `0.01`, or text such as `1%`, is expected"))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and a million")]
    Ok((share * 1e6).round() as u64)
}

fn parse_bound(at: &At<'_>) -> Parsed<u32> {
    let duration = at.duration()?;
    let bound = LATENCY_BOUNDS_MS.iter().find(|bound| Duration::from_millis(u64::from(**bound)) == duration);
    bound.copied().ok_or_else(|| {
        let bounds: Vec<String> = LATENCY_BOUNDS_MS.iter().map(u32::to_string).collect();
        at.error(format!("the gateway counts by these bounds, so that a threshold must be one of them, in ms: {}", bounds.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn template() -> Value {
        json!({"spec": {"metrics": [
            {"name": "errors", "interval": "1s", "provider": {"plugin": {"penstock/gateway": {"measure": "error-rate", "max": 0.01, "minRequests": 500}}}},
            {"name": "latency", "provider": {"plugin": {"penstock/gateway": {"measure": "p95", "max": "500ms", "minRequests": 500}}}},
        ]}})
    }

    fn plan(canary: &Value) -> Parsed<Plan> {
        let rollout = json!({"metadata": {"name": "api"}, "spec": {"strategy": {"canary": canary}}});
        parse_plan(&rollout, &BTreeMap::from([("requests".to_owned(), template())]))
    }

    #[test]
    fn the_example_is_read() {
        let plan = plan(&json!({
            "steps": [{"setWeight": 5}, {"pause": {"duration": "15m"}}, {"setWeight": 25}, {"pause": {}}, {"pause": {"duration": 10}}, {"setWeight": 50}],
            "analysis": {"templates": [{"templateName": "requests"}]},
        }));
        let plan = plan.unwrap();
        let steps: Vec<String> = plan.steps.iter().map(|step| format!("{} {:?}", step.weight, step.pause)).collect();
        assert_eq!(steps, ["5 For { millis: 900000 }", "25 UntilResumed", "25 For { millis: 10000 }", "50 None"]);
        assert_eq!(plan.analysis.metrics[0].measure, Measure::ErrorRate { max_ppm: 10_000 });
        assert_eq!(plan.analysis.metrics[1].measure, Measure::P95 { max_ms: 500 });
        assert_eq!((plan.analysis.interval_ms, plan.deadline_ms), (1000, 600_000));
    }

    /// Everything that is refused, with what a person reads.
    #[test]
    fn what_is_not_carried_out_is_refused_by_name() {
        let analysis = |metric: Value| {
            let rollout = json!({"metadata": {"name": "api"}, "spec": {"strategy": {"canary": {"analysis": {"templates": [{"templateName": "t"}]}}}}});
            parse_plan(&rollout, &BTreeMap::from([("t".to_owned(), json!({"spec": {"metrics": [metric]}}))]))
        };
        let gateway = |gateway: Value| analysis(json!({"name": "m", "provider": {"plugin": {"penstock/gateway": gateway}}}));
        let refused = [
            parse_plan(&json!({"metadata": {"name": "api"}, "spec": {"strategy": {"blueGreen": {}}}}), &BTreeMap::new()),
            parse_plan(&json!({"metadata": {"name": "api"}, "spec": {}}), &BTreeMap::new()),
            plan(&json!({"steps": [{"experiment": {}}]})),
            plan(&json!({"steps": [{"analysis": {}}]})),
            plan(&json!({"steps": [{"pause": {}}]})),
            plan(&json!({"steps": [{"setWeight": 0}]})),
            plan(&json!({"steps": [{"setWeight": 25}, {"setWeight": 5}]})),
            plan(&json!({"steps": [{"setWeight": 5, "pause": {}}]})),
            plan(&json!({"steps": [{"setWeight": 5}, {"pause": {"duration": "1d"}}]})),
            plan(&json!({"steps": [{"setWeight": 5}, {"pause": {"until": "x"}}]})),
            plan(&json!({"trafficRouting": {"istio": {}}})),
            plan(&json!({"analysis": {"templates": [{"templateName": "absent"}]}})),
            plan(&json!({"analysis": {"templates": [], "startingStep": 2}})),
            plan(&json!({"analysis": {"templates": []}})),
            analysis(json!({"name": "m", "provider": {"prometheus": {}}})),
            analysis(json!({"name": "m", "successCondition": "x", "provider": {}})),
            analysis(json!({"name": "m", "failureLimit": 3, "provider": {}})),
            gateway(json!({"measure": "p99", "max": "1s", "minRequests": 1})),
            gateway(json!({"measure": "p95", "max": "450ms", "minRequests": 1})),
            gateway(json!({"measure": "error-rate", "max": 1, "minRequests": 1})),
            gateway(json!({"measure": "error-rate", "max": 0.01, "minRequests": 0})),
            gateway(json!({"measure": "error-rate", "max": 0.01})),
        ];
        let text: Vec<String> = refused.into_iter().map(|refused| refused.unwrap_err().to_string()).collect();
        insta::assert_snapshot!(text.join("\n"));
    }
}
