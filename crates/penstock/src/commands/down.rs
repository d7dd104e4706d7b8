//! `penstock down`: nothing that a server left runs on.

use std::process::ExitCode;
use std::sync::Arc;

use penstock_cli::{CliError, Output};
use penstock_container::Runtime;
use penstock_gateway::GatewayClient;
use penstock_model::blob::BlobStore;
use penstock_model::container::ContainerRuntime;
use penstock_model::counted;
use penstock_model::gateway::Gateway;
use penstock_store::{DataLock, DirBlobs};

use crate::config::ServerSection;
use crate::parts::{Built, broken, runtime_settings};

/// Ends what a server of this process started.
pub async fn end(built: &Built) -> Result<(), CliError> {
    // one that does not run needs no ending
    let _ = built.gateway.shut_down().await;
    built.runtime.tear_down().await.map_err(|error| broken("removing containers", &error))
}

/// Ends the gateway, every container and the network of an instance whose server does not run.
pub async fn down(settings: &ServerSection, output: Output) -> Result<ExitCode, CliError> {
    if !settings.data.is_dir() {
        return Err(CliError::other(
            format!("{} is not there", settings.data.display()),
            "name the data directory with --data",
            penstock_cli::exit::ABSENT,
        ));
    }
    let _lock = DataLock::acquire(&settings.data).map_err(|error| broken("the data directory", &error))?;
    let program = std::env::current_exe().map_err(|source| CliError::Io { what: "finding this program".to_owned(), source })?;
    let gateway = GatewayClient::new(&program, &settings.data.join("gateway"));
    // one that does not run needs no ending
    let ended = gateway.shut_down().await.is_ok();
    let blobs: Arc<dyn BlobStore> =
        Arc::new(DirBlobs::open(&settings.data.join("blobs")).await.map_err(|error| broken("the blob store", &error))?);
    let runtime = Runtime::open(runtime_settings(settings, &program), blobs).await.map_err(|error| broken("containers", &error))?;
    let containers = runtime.list().await.map_err(|error| broken("listing containers", &error))?.len();
    runtime.tear_down().await.map_err(|error| broken("removing containers", &error))?;
    // objects that are kept would start their pods again
    let objects = settings.data.join("target");
    if objects.exists() {
        std::fs::remove_dir_all(&objects).map_err(|source| CliError::Io { what: objects.display().to_string(), source })?;
    }
    if output == Output::Json {
        println!("{}", serde_json::json!({ "gateway": ended, "containers": containers }));
    } else {
        println!("ended: {}{}", counted(containers, "container"), if ended { " and the gateway" } else { "" });
    }
    Ok(crate::done())
}
