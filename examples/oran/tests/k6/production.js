// What production's users do, at a constant rate: every request that was due was sent, and none failed.
//
//   PENSTOCK_ENVIRONMENT_URL  the front door
//   RATE, DURATION            requests a second, and how long (600, 60s)
//   SUMMARY                   where to write the summary as JSON
import http from "k6/http";
import { scenario } from "k6/execution";

const url = __ENV.PENSTOCK_ENVIRONMENT_URL;
const rate = Number(__ENV.RATE || 600);
const json = { headers: { "Content-Type": "application/json" } };
const state = JSON.stringify({ prb_used: 0.3, prb_quota: 0.9, users: 0.2, throughput: 1.0, latency: 0.4 });
const cells = ["cell-11", "cell-12", "cell-13", "cell-21", "cell-22", "cell-23", "cell-31", "cell-32", "cell-33"];

export const options = {
  discardResponseBodies: true,
  scenarios: {
    users: {
      executor: "constant-arrival-rate",
      rate,
      timeUnit: "1s",
      duration: __ENV.DURATION || "60s",
      preAllocatedVUs: 400,
      maxVUs: 800,
    },
  },
  thresholds: {
    dropped_iterations: ["count==0"],
    http_req_failed: ["rate==0"],
  },
  summaryTrendStats: ["med", "p(95)", "p(99)", "max", "count"],
};

export function setup() {
  if (!url) {
    throw new Error("PENSTOCK_ENVIRONMENT_URL is not set: there is nobody to load");
  }
}

// By its number, so that every run sends the same. Thirds have no common factor with the parts by which traffic is split
// (a twentieth, a quarter, a half): each part gets its share of each kind.
export default function () {
  const number = scenario.iterationInTest;
  switch (number % 3) {
    case 0:
      http.get(`${url}/v1/cells/${cells[(number / 3) % cells.length]}/kpi`, { tags: { name: "kpi" } });
      break;
    case 1:
      http.post(`${url}/v1/inference/decisions`, state, { ...json, tags: { name: "decision" } });
      break;
    default:
      if (number % 30 === 29) {
        http.post(`${url}/v1/pqc/kem/keygen`, null, { tags: { name: "keygen" } });
      } else {
        http.get(`${url}/v1/e2/nodes`, { tags: { name: "nodes" } });
      }
  }
}

export function handleSummary(data) {
  const of = (metric, value) => (data.metrics[metric] ? data.metrics[metric].values[value] : 0);
  const summary = {
    requests: of("http_reqs", "count"),
    failed: of("http_req_failed", "passes"),
    dropped: of("dropped_iterations", "count"),
    p50_ms: of("http_req_duration", "med"),
    p95_ms: of("http_req_duration", "p(95)"),
    p99_ms: of("http_req_duration", "p(99)"),
    max_ms: of("http_req_duration", "max"),
  };
  const text = `${JSON.stringify(summary)}\n`;
  return __ENV.SUMMARY ? { stdout: text, [__ENV.SUMMARY]: text } : { stdout: text };
}
