// A short load on an environment, before a person is asked to approve: about ten seconds, the p95 under half a second and
// at most one request in a hundred failed.
import { check } from "k6";
import http from "k6/http";

const url = __ENV.PENSTOCK_ENVIRONMENT_URL;
const json = { headers: { "Content-Type": "application/json" } };

export const options = {
  scenarios: {
    steady: { executor: "constant-vus", vus: 4, duration: "8s", gracefulStop: "2s" },
  },
  thresholds: {
    http_req_duration: ["p(95)<500"],
    http_req_failed: ["rate<0.01"],
    checks: ["rate>0.99"],
  },
};

export function setup() {
  if (!url) {
    throw new Error("PENSTOCK_ENVIRONMENT_URL is not set: there is no environment to load");
  }
}

export default function () {
  const nodes = http.get(`${url}/v1/e2/nodes`);
  check(nodes, { "nodes are listed": (r) => r.status === 200 && r.json("nodes").length > 0 });

  const state = { prb_used: 0.3, prb_quota: 0.9, users: 0.2, throughput: 1.0, latency: 0.4 };
  const decision = http.post(`${url}/v1/inference/decisions`, JSON.stringify(state), json);
  check(decision, { "the policy decides": (r) => r.status === 200 && r.json("scores").length === 5 });

  const keys = http.post(`${url}/v1/pqc/kem/keygen`);
  check(keys, { "a key pair is made": (r) => r.status === 200 && r.json("algorithm") === "ML-KEM-768" });

  const key = JSON.stringify({ encapsulation_key: keys.json("encapsulation_key") });
  const secret = http.post(`${url}/v1/pqc/kem/encapsulate`, key, json);
  check(secret, { "a secret is encapsulated": (r) => r.status === 200 && r.json("ciphertext").length === 2176 });
}
