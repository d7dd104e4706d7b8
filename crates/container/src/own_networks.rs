//! Networks beside the instance's bridge: one for each job with services, so that jobs do not see each other's.
//!
//! Each is a bridge with a /24. A file for each, written first, is how what a dead server left is found.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use penstock_model::container::ContainerError;

use crate::network::{self, Subnet};
use crate::runtime::{Runtime, entries, is_word, name_of, runtime_error};

/// How many subnets are tried before a machine counts as full.
const ATTEMPTS: u8 = 64;

impl Runtime {
    fn networks_dir(&self) -> PathBuf {
        self.settings.dir.join("networks")
    }

    fn network_file(&self, name: &str) -> Result<PathBuf, ContainerError> {
        if is_word(name, 63) {
            return Ok(self.networks_dir().join(name));
        }
        Err(runtime_error(name, "a network's name must be of [a-z0-9-], at most 63"))
    }

    /// The subnet of a network that was made.
    fn subnet_of(&self, name: &str) -> Result<Option<Subnet>, ContainerError> {
        match fs::read(self.network_file(name)?) {
            Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| runtime_error(name, format!("its file: {error}"))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(ContainerError::Io { what: format!("network {name}: reading its file"), source }),
        }
    }

    /// What [`ContainerRuntime::make_network`] promises.
    ///
    /// [`ContainerRuntime::make_network`]: penstock_model::container::ContainerRuntime::make_network
    pub(crate) fn own_network(&self, name: &str) -> Result<Ipv4Addr, ContainerError> {
        let instance = &self.settings.instance;
        let failed = |source| ContainerError::Io { what: format!("network {name}: making it"), source };
        let bridge = network::own_bridge(instance, name);
        if let Some(subnet) = self.subnet_of(name)? {
            network::there_or_made(&bridge, subnet).map_err(failed)?;
            return Ok(subnet.bridge());
        }
        let file = self.network_file(name)?;
        fs::create_dir_all(self.networks_dir()).map_err(failed)?;
        for attempt in 0..ATTEMPTS {
            let subnet = Subnet::for_network(instance, name, attempt);
            let text = serde_json::to_vec(&subnet).map_err(|error| failed(error.into()))?;
            fs::write(&file, text).map_err(failed)?;
            match network::ensure_bridge(&bridge, subnet) {
                Ok(_) => return Ok(subnet.bridge()),
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(failed(error)),
            }
        }
        fs::remove_file(&file).map_err(failed)?;
        Err(runtime_error(name, format!("{ATTEMPTS} subnets for it are in use on this machine: let jobs with services end first")))
    }

    /// Whether a container can have this address on a network.
    pub(crate) fn on_network(&self, container: &str, name: &str, address: Ipv4Addr) -> Result<(), ContainerError> {
        match self.subnet_of(name)? {
            Some(subnet) if subnet.gives(address) => Ok(()),
            Some(subnet) => {
                Err(runtime_error(container, format!("{address} is not an address of the network {name}, {}/24", subnet.address(0))))
            }
            None => Err(runtime_error(container, format!("there is no network {name}: make it first"))),
        }
    }

    /// Takes a network's bridge away, then its file.
    pub(crate) fn drop_network(&self, name: &str) -> Result<(), ContainerError> {
        let failed = |source| ContainerError::Io { what: format!("network {name}: removing it"), source };
        network::remove_bridge(&network::own_bridge(&self.settings.instance, name)).map_err(failed)?;
        match fs::remove_file(self.network_file(name)?) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(failed(error)),
            _ => Ok(()),
        }
    }

    /// Every network that has a file.
    pub(crate) fn own_networks(&self) -> Result<Vec<String>, ContainerError> {
        if !self.networks_dir().exists() {
            return Ok(Vec::new());
        }
        let mut names: Vec<String> = entries(&self.networks_dir())?.iter().map(|path| name_of(path)).collect();
        names.sort();
        Ok(names)
    }
}
