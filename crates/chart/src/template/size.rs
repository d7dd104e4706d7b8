//! Texts of a megabyte are parsed in a time that grows as they do: what grows faster would not end here.

use super::Parsed;
use crate::value::Str;

/// As much of it as makes a megabyte.
fn filled(before: &str, piece: impl Fn(usize) -> String, after: &str) -> String {
    let mut text = before.to_owned();
    for number in 0.. {
        text.push_str(&piece(number));
        if text.len() > 1 << 20 {
            break;
        }
    }
    text + after
}

fn same(piece: &'static str) -> impl Fn(usize) -> String {
    move |_| piece.to_owned()
}

#[test]
fn a_large_text_is_parsed_in_time() {
    let declared = (0..60_000).map(|number| format!("{{{{ $v{number} := 1 }}}}")).collect::<Vec<_>>().concat();
    let open = "{{ range . }}".to_owned() + &"{{ if . }}".repeat(60_000);
    let ends = "{{ end }}".repeat(60_001);
    let texts = [
        filled(&declared, same("{{ $v0 }}"), ""),
        filled("", |number| format!("{{{{ define \"t{number}\" }}}}a{{{{ end }}}}"), ""),
        filled("", |number| format!("{{{{ block \"t{number}\" . }}}}"), ""),
        filled(&open, same("{{ break }}"), &ends),
        filled(&open, same("{{ continue }}"), &ends),
        filled("{{ if . }}", same("{{ else if . }}"), "{{ end }}"),
        filled("{{ 1+", same("1"), "i }}"),
        filled("{{ ", same("1"), " }}"),
        filled("{{ 1.", same("1"), " }}"),
        filled("{{ 0x1.", same("1"), "p1 }}"),
        filled("{{ .", same("a."), "a }}"),
        filled("{{ $", same(".a"), " }}"),
        filled("{{ list", same(" ."), " }}"),
        filled("{{ .", same(" | list"), " }}"),
        filled("{{ ", same("(("), " }}"),
        filled("{{ and", same(" (or 1)"), " }}"),
        filled("{{ \"", same("\\x41"), "\" }}"),
        filled("{{ `", same("\n"), "` }}"),
        filled("", same("{{/* */}}"), ""),
        filled("", same("{{- /* */ -}} "), ""),
        filled("", same(" {{- 1 -}} "), ""),
        filled("{{ 1", same(" "), "-}}"),
        filled("", same("{"), ""),
        filled("", same("{{"), ""),
        filled("{{ ", same("\n"), " }}"),
        filled("", same("{{ .Values.a }}\n"), ""),
        filled("", |number| format!("{{{{ define \"t{number}\" }}}}{{{{ .Values.a }}}}\n{{{{ end }}}}"), ""),
    ];
    for text in texts {
        // whether it is a template does not matter
        if let Ok(parsed) = Parsed::new(&Str::from("t"), &Str::from(text)) {
            let _ = parsed.value_uses();
        }
    }
}
