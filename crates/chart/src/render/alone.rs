//! A template that belongs to no chart.

use super::{RenderError, Surroundings, carried_out};
use crate::{
    template::{self, Failure, MissingKey, Set},
    value::{Str, Value},
};

/// Carries out one template by itself, on nothing: what a release is named by. Its errors are text/template's, in full.
pub fn render_alone(name: &str, text: &str, around: &mut Surroundings<'_>) -> Result<String, RenderError> {
    let (name, text) = (Str::from(name), Str::from(text));
    let mut set = Set::default();
    set.parse(&name, &text).map_err(|fault| RenderError::Template(fault.to_string()))?;
    let mut budget = around.budget();
    let written = carried_out(around, &mut budget, false, MissingKey::Nothing, |run| template::execute(&set, &name, &Value::Nil, run));
    let written = written.map_err(|failure| match failure {
        Failure::Limit(limit) => RenderError::Limit(limit),
        // Helm marks what `fail` says only where a chart is rendered
        said => RenderError::Template(said.to_string().replace("HELM_ERR_START", "").replace("HELM_ERR_END", "")),
    })?;
    Ok(Str::from(written).lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::Seeded;

    #[track_caller]
    fn check(text: &str, wanted: &str) {
        let now = jiff::Timestamp::UNIX_EPOCH.to_zoned_datetime(jiff::tz::TimeZone::UTC);
        let mut random = Seeded::new([7; 32]);
        let rendered = render_alone("name-template", text, &mut Surroundings::new(&now, &mut random));
        assert_eq!(rendered.unwrap_or_else(|error| error.to_string()), wanted);
    }

    #[test]
    fn a_template_by_itself_gives_a_name_or_go_s_words_for_why_not() {
        check("web-{{ \"A\" | lower }}{{ now.Year }}", "web-a1970");
        check("{{ .x }}", "<no value>");
        check("{{ nothing }}", "template: name-template:1: function \"nothing\" not defined");
        check("{{ fail \"x\" }}", "template: name-template:1:3: executing \"name-template\" at <fail \"x\">: error calling fail: x");
    }
}
