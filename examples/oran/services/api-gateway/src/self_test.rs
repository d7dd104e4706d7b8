//! Every route, against stubs on loopback.

use axum::Router;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use sdr_runtime::{Checks, Context, Failure};

use crate::config::Config;
use crate::routes::{Gateway, router};
use crate::{IDENTITY, stubs};

/// A request, and what has to come back: the code and a part of the body.
struct Case {
    method: &'static str,
    path: &'static str,
    body: &'static str,
    code: u16,
    part: &'static str,
}

const fn case(method: &'static str, path: &'static str, body: &'static str, code: u16, part: &'static str) -> Case {
    Case { method, path, body, code, part }
}

/// A stub answers with 418 and with what it was asked.
const CASES: &[Case] = &[
    case("GET", "/healthz", "", 200, "alive"),
    case("GET", "/readyz", "", 200, "ready"),
    case("GET", "/v1/inference/policy", "", 418, "GET /v1/policy"),
    case("POST", "/v1/inference/decisions", "{}", 418, "POST /v1/policy/decisions"),
    case("POST", "/v1/pqc/kem/keygen", "", 418, "POST /v1/kem/keygen"),
    case("POST", "/v1/pqc/kem/encapsulate", "{}", 418, "POST /v1/kem/encapsulate"),
    case("POST", "/v1/pqc/kem/decapsulate", "{}", 418, "POST /v1/kem/decapsulate"),
    case("POST", "/v1/pqc/dsa/keygen", "", 418, "POST /v1/dsa/keygen"),
    case("POST", "/v1/pqc/dsa/sign", "{}", 418, "POST /v1/dsa/sign"),
    case("POST", "/v1/pqc/dsa/verify", "{}", 418, "POST /v1/dsa/verify"),
    case("POST", "/v1/pqc/dsa/forge", "{}", 404, "there is no operation dsa/forge"),
    case("GET", "/v1/e2/nodes", "", 200, r#""node":"stub""#),
    case("POST", "/v1/e2/nodes", r#"{"node":"n","cells":["c"],"ran_functions":[2]}"#, 201, r#""accepted":[2]"#),
    case("POST", "/v1/e2/controls", r#"{"cell":"cell","prb_quota_percent":40}"#, 200, r#""prb_quota_percent":40"#),
    case(
        "POST",
        "/v1/e2/subscriptions",
        r#"{"node":"stub","reporting_period_ms":10,"reports":3}"#,
        200,
        r#""sequence":2"#,
    ),
    case(
        "POST",
        "/v1/e2/subscriptions",
        r#"{"node":"nobody","reporting_period_ms":10,"reports":3}"#,
        404,
        "no such node",
    ),
    case(
        "POST",
        "/v1/e2/subscriptions",
        r#"{"node":"stub","reporting_period_ms":60000,"reports":3}"#,
        422,
        "lasts up to",
    ),
    case("GET", "/v1/cells/cell/kpi", "", 200, r#""prb_used_percent":41.5"#),
    case("GET", "/v1/cells/nowhere/kpi", "", 404, "no such cell"),
    case("GET", "/v1/nothing", "", 404, ""),
    case("GET", "/metrics", "", 200, r#"http_requests_total{method="GET",route="/v1/cells/{cell}/kpi",code="200"} 1"#),
];

pub async fn run(checks: &mut Checks) {
    let Some(stubs) = checks.note("the stubs start", stubs::start().await) else { return };
    if let Some(url) = checks.note("the gateway starts", gateway(&stubs).await) {
        for case in CASES {
            let name = format!("{} {} {}", case.method, case.path, case.code);
            checks.note(&name, ask(&url, case).await);
        }
    }
    // Port 1 of loopback: nobody is there.
    let nobody = "http://127.0.0.1:1".to_owned();
    let nowhere = Config { pqc: nobody.clone(), drl: nobody.clone(), e2: nobody };
    if let Some(url) = checks.note("the gateway starts without the services behind it", gateway(&nowhere).await) {
        for case in [
            case("GET", "/readyz", "", 200, "ready"),
            case("GET", "/v1/inference/policy", "", 502, "drl-trainer cannot be reached"),
            case("GET", "/v1/e2/nodes", "", 502, "error"),
        ] {
            checks.note(&format!("{} {} with nobody there", case.method, case.path), ask(&url, &case).await);
        }
    }
}

async fn gateway(config: &Config) -> Result<String, Failure> {
    let context = Context::detached(IDENTITY);
    let gateway = Gateway::new(config, context.lifecycle.clone())?;
    let router: Router = sdr_runtime::http::router(router(gateway), &context);
    context.lifecycle.ready();
    Ok(stubs::serve_http(router).await?)
}

async fn ask(url: &str, case: &Case) -> Result<(), Failure> {
    let client: Client<HttpConnector, Full<Bytes>> = Client::builder(TokioExecutor::new()).build_http();
    let request = axum::http::Request::builder()
        .method(case.method)
        .uri(format!("{url}{}", case.path))
        .header("content-type", "application/json")
        .body(Full::new(Bytes::from_static(case.body.as_bytes())))?;
    let (head, body) = client.request(request).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    let text = String::from_utf8_lossy(&body);
    if head.status.as_u16() == case.code && text.contains(case.part) {
        return Ok(());
    }
    Err(format!("{} {text}\nexpected {} and {}", head.status, case.code, case.part).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_self_test_passes() {
        let mut checks = Checks::default();
        run(&mut checks).await;
        checks.finish().unwrap();
    }
}
