//! The nodes that have set up with this instance, and what their cells were told.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use sdr_e2::{E2SetupRequest, KPM, Node, RC, RanFunction, RanFunctionRejected};
use thiserror::Error;

use crate::radio::FULL_QUOTA;

/// How many nodes an instance takes.
const MAX_NODES: usize = 1_000;

/// How many cells a node may have.
const MAX_CELLS: usize = 64;

/// The longest name of a node or cell.
const MAX_NAME: usize = 64;

/// Why a procedure failed, in E2AP's causes.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Refusal {
    /// Something in the message is missing, too long or out of its range.
    #[error("protocol/semantic-error: {0}")]
    Semantic(&'static str),
    /// The node or cell is not known here.
    #[error("ric-request/unspecified: no {what} {name}")]
    Unknown {
        /// A node or a cell.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The node does not have the RAN function.
    #[error("ric-request/ran-function-id-invalid: {0}")]
    RanFunction(u32),
    /// There are as many nodes as this instance takes.
    #[error("misc/control-processing-overload: {MAX_NODES} nodes have set up")]
    Full,
}

#[derive(Debug)]
struct Known {
    functions: Vec<RanFunction>,
    /// Each cell with its quota in percent.
    cells: BTreeMap<String, u32>,
}

/// The nodes of this instance.
#[derive(Debug, Default)]
pub struct Nodes(RwLock<BTreeMap<String, Known>>);

impl Nodes {
    /// The nodes that are there from the start, so that there is something to look at.
    #[must_use]
    pub fn simulated() -> Self {
        let nodes = Self::default();
        for node in 1..=3 {
            let request = E2SetupRequest {
                transaction_id: node,
                global_e2_node_id: format!("001-01-gnb-{node}"),
                cell_ids: (1..=3).map(|cell| format!("cell-{node}{cell}")).collect(),
                ran_functions: vec![
                    RanFunction { id: KPM, oid: "1.3.6.1.4.1.53148.1.2.2.2".to_owned(), revision: 3 },
                    RanFunction { id: RC, oid: "1.3.6.1.4.1.53148.1.1.2.3".to_owned(), revision: 1 },
                ],
            };
            // Three well-formed nodes are always taken.
            drop(nodes.set_up(request));
        }
        nodes
    }

    /// A node sets up, or sets up again. Hands back the accepted and the rejected RAN functions.
    pub fn set_up(&self, request: E2SetupRequest) -> Result<(Vec<u32>, Vec<RanFunctionRejected>), Refusal> {
        let named = |name: &String| !name.is_empty() && name.len() <= MAX_NAME;
        if !named(&request.global_e2_node_id) {
            return Err(Refusal::Semantic("a node's name has 1 to 64 bytes"));
        }
        if request.cell_ids.is_empty() || request.cell_ids.len() > MAX_CELLS || !request.cell_ids.iter().all(named) {
            return Err(Refusal::Semantic("a node has 1 to 64 cells, each with a name of 1 to 64 bytes"));
        }
        let (functions, others): (Vec<_>, Vec<_>) =
            request.ran_functions.into_iter().partition(|function| [KPM, RC].contains(&function.id));
        let rejected = others
            .into_iter()
            .map(|function| RanFunctionRejected {
                id: function.id,
                cause: "ric-service/ran-function-not-supported".to_owned(),
            })
            .collect();
        let accepted = functions.iter().map(|function| function.id).collect();
        let mut nodes = self.write();
        if nodes.len() >= MAX_NODES && !nodes.contains_key(&request.global_e2_node_id) {
            return Err(Refusal::Full);
        }
        let cells = request.cell_ids.into_iter().map(|cell| (cell, FULL_QUOTA)).collect();
        nodes.insert(request.global_e2_node_id, Known { functions, cells });
        Ok((accepted, rejected))
    }

    /// All nodes, by name.
    pub fn list(&self) -> Vec<Node> {
        let describe = |(name, node): (&String, &Known)| Node {
            global_e2_node_id: name.clone(),
            cell_ids: node.cells.keys().cloned().collect(),
            ran_functions: node.functions.clone(),
        };
        self.read().iter().map(describe).collect()
    }

    /// How many nodes there are.
    pub fn count(&self) -> usize {
        self.read().len()
    }

    /// A node's cells with their quotas, if it has the RAN function.
    pub fn cells(&self, node: &str, function: u32) -> Result<Vec<(String, u32)>, Refusal> {
        let nodes = self.read();
        let known = nodes.get(node).ok_or_else(|| Refusal::Unknown { what: "node", name: node.to_owned() })?;
        known.has(function)?;
        Ok(known.cells.iter().map(|(cell, quota)| (cell.clone(), *quota)).collect())
    }

    /// The node of a cell and the cell's quota, if the node has the RAN function.
    pub fn find(&self, cell: &str, function: u32) -> Result<(String, u32), Refusal> {
        let nodes = self.read();
        let found = nodes.iter().find_map(|(name, node)| node.cells.get(cell).map(|quota| (name, node, *quota)));
        let (name, node, quota) = found.ok_or_else(|| Refusal::Unknown { what: "cell", name: cell.to_owned() })?;
        node.has(function)?;
        Ok((name.clone(), quota))
    }

    /// Tells a cell how much of its resource blocks it may use.
    pub fn limit(&self, cell: &str, function: u32, quota: u32) -> Result<(), Refusal> {
        if !(1..=FULL_QUOTA).contains(&quota) {
            return Err(Refusal::Semantic("a quota is 1 to 100 percent"));
        }
        if function != RC {
            return Err(Refusal::RanFunction(function));
        }
        let (node, _) = self.find(cell, function)?;
        if let Some(seen) = self.write().get_mut(&node).and_then(|node| node.cells.get_mut(cell)) {
            *seen = quota;
        }
        Ok(())
    }

    fn read(&self) -> RwLockReadGuard<'_, BTreeMap<String, Known>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, BTreeMap<String, Known>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn has(&self, function: u32) -> Result<(), Refusal> {
        if self.functions.iter().any(|known| known.id == function) {
            Ok(())
        } else {
            Err(Refusal::RanFunction(function))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(name: &str, functions: &[u32]) -> E2SetupRequest {
        E2SetupRequest {
            transaction_id: 1,
            global_e2_node_id: name.to_owned(),
            cell_ids: vec!["cell".to_owned()],
            ran_functions: functions.iter().map(|id| RanFunction { id: *id, ..RanFunction::default() }).collect(),
        }
    }

    #[test]
    fn a_node_is_told_which_functions_are_not_supported() {
        let nodes = Nodes::default();
        let (accepted, rejected) = nodes.set_up(request("node", &[KPM, 77])).unwrap();
        assert_eq!(accepted, [KPM]);
        assert_eq!(rejected[0].id, 77);
    }

    #[test]
    fn a_node_without_the_function_is_not_controlled() {
        let nodes = Nodes::default();
        nodes.set_up(request("node", &[KPM])).unwrap();
        assert_eq!(nodes.limit("cell", RC, 50), Err(Refusal::RanFunction(RC)));
        assert_eq!(nodes.find("cell", KPM), Ok(("node".to_owned(), FULL_QUOTA)));
    }

    #[test]
    fn a_name_that_is_empty_or_too_long_is_refused() {
        for name in [String::new(), "x".repeat(MAX_NAME + 1)] {
            assert!(matches!(Nodes::default().set_up(request(&name, &[KPM])), Err(Refusal::Semantic(_))));
        }
    }

    #[test]
    fn an_instance_takes_a_bounded_number_of_nodes() {
        let nodes = Nodes::default();
        for node in 0..MAX_NODES {
            nodes.set_up(request(&node.to_string(), &[KPM])).unwrap();
        }
        assert_eq!(nodes.set_up(request("one more", &[KPM])), Err(Refusal::Full));
        assert!(nodes.set_up(request("7", &[KPM])).is_ok(), "a known node may set up again");
    }
}
