//! Tools that answer what they are told.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use penstock_model::Digest;
use penstock_model::job::RunnerError;
use penstock_model::tool::{ToolCall, ToolOutput, ToolRunner};

use crate::held;

/// Tools by name, with what they leave.
#[derive(Debug, Default)]
pub struct FakeTools {
    answers: Mutex<BTreeMap<String, (i32, Bytes)>>,
    calls: Mutex<Vec<ToolCall>>,
}

impl FakeTools {
    /// What a program leaves from now on.
    pub fn answer(&self, program: &str, exit_code: i32, result: &[u8]) {
        held(&self.answers).insert(program.to_owned(), (exit_code, Bytes::copy_from_slice(result)));
    }

    /// Every call, in order.
    pub fn calls(&self) -> Vec<ToolCall> {
        held(&self.calls).clone()
    }
}

#[async_trait]
impl ToolRunner for FakeTools {
    async fn run_tool(&self, call: &ToolCall) -> Result<ToolOutput, RunnerError> {
        held(&self.calls).push(call.clone());
        let Some((exit_code, result)) = held(&self.answers).get(&call.program).cloned() else {
            return Err(RunnerError::Missing { what: call.program.clone(), hint: "the test gave it no answer".to_owned() });
        };
        Ok(ToolOutput {
            exit_code,
            ran: call.ran.contains(&exit_code),
            result,
            stderr: String::new(),
            version: "0".to_owned(),
            digest: Digest::of(call.program.as_bytes()),
            took: Duration::from_millis(1),
        })
    }
}
