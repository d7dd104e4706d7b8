//! Who may run where: the signed decision is looked for and verified, never remembered.

use penstock_model::ProjectName;
use penstock_model::admission::Admitted;
use penstock_model::evidence::{Subject, Witness, predicate};
use penstock_model::release::ImageRef;
use penstock_model::target::ApplicationScope;
use penstock_trust::predicate::{Import, Summary};

use crate::evidence::verify_again;
use crate::parts::Parts;

/// Lets an image in, or says why not and what to do. A decision counts for ever: a restart, a repair or the way back
/// uses it again, so that a later advisory cannot block the way back. Only the project's own gate and approvers count:
/// environments of several projects have the same names.
///
/// # Errors
/// Why it stays out.
pub async fn admit(parts: &Parts, scope: &ApplicationScope, image: &ImageRef) -> Result<Admitted, String> {
    let environment = &scope.environment;
    let world = parts.journal.world();
    let mut why = "no gate has let a release with it in".to_owned();
    let mut releases: Vec<_> =
        world.releases.values().filter(|record| record.release.images.get(&image.name) == Some(&image.digest)).collect();
    releases.retain(|record| counts(scope, &record.release.project));
    releases.sort_by_key(|record| std::cmp::Reverse(record.created));
    for record in releases {
        let subject = Subject::Release(record.id);
        let statements = world.evidence.get(&record.release.project).and_then(|evidence| evidence.by_subject.get(&subject));
        for said in statements.into_iter().flatten().filter(|said| said.predicate_type == predicate::VSA) {
            let Some(summary) = Summary::read(&said.predicate) else { continue };
            if !summary.admits(environment, &image.name, &image.digest) {
                continue;
            }
            match verify_again(parts, said).await {
                Ok(()) => return Ok(Admitted { release: Some(record.id), warnings: Vec::new() }),
                Err(error) => why = format!("the decision {} does not verify: {error}", said.envelope.short()),
            }
        }
    }
    if imported(parts, scope, image).await {
        return Ok(Admitted { release: None, warnings: Vec::new() });
    }
    let project = scope.project.as_ref().map(|project| format!(" --project {project}")).unwrap_or_default();
    Err(format!(
        "{why}; push it through the gate of {environment}, or, if it was not built here, let an approver import it: `penstock import {image}{project} --reason …`"
    ))
}

/// What a project says counts there and nowhere else.
fn counts(scope: &ApplicationScope, project: &ProjectName) -> bool {
    scope.project.as_ref().is_none_or(|own| own == project)
}

/// An image that was not built here needs a statement that lets it in.
async fn imported(parts: &Parts, scope: &ApplicationScope, image: &ImageRef) -> bool {
    let world = parts.journal.world();
    let subject = Subject::Image(image.clone());
    for (_, record) in world.evidence.iter().filter(|(project, _)| counts(scope, project)) {
        let about = record.by_subject.get(&subject).into_iter().flatten();
        for said in about.filter(|said| said.predicate_type == predicate::IMPORT && said.witness == Witness::Observed) {
            let import: Option<Import> = serde_json::from_value(said.predicate.clone()).ok();
            let in_force = import.is_some_and(|import| import.expires.is_none_or(|expires| expires > parts.journal.now()));
            if in_force && verify_again(parts, said).await.is_ok() {
                return true;
            }
        }
    }
    false
}
